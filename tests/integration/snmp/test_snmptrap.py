"""net-snmp's own `snmptrap` and `snmpinform` as senders: every version, acknowledged where that is asked for."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from fleet.snmp.traps import Trap, listen
from fleet.snmp.types import Auth, Priv, V2cCredential, V3Credential

pytestmark = pytest.mark.skipif(shutil.which("snmptrap") is None, reason="needs Debian's package snmp")
LINK_DOWN, IF_INDEX = "1.3.6.1.6.3.1.1.5.3", "1.3.6.1.2.1.2.2.1.1.7"
ENTERPRISE = "1.3.6.1.4.1.318"
USER = V3Credential("trapper", Auth.SHA256, "authentic-phrase", Priv.AES128, "private-phrase")
ENGINE = "0x80001f8880e9630000d61ff449"
V3 = [
    "-v3",
    "-u",
    "trapper",
    "-l",
    "authPriv",
    "-a",
    "SHA-256",
    "-A",
    "authentic-phrase",
    "-x",
    "AES",
    "-X",
    "private-phrase",
]
VARBIND = [IF_INDEX, "i", "7"]


@dataclass
class Ear:
    heard: "asyncio.Queue[Trap]"
    port: int

    async def next(self) -> Trap:
        return await asyncio.wait_for(self.heard.get(), 20)

    async def send(self, command: str, *arguments: str) -> int:
        """Runs net-snmp's command against us; `-` stands for our address."""
        words = [f"127.0.0.1:{self.port}" if one == "-" else one for one in arguments]
        process = await asyncio.create_subprocess_exec(
            command, "-M", "", "-m", "", "-t", "5", "-r", "0", *words, stderr=asyncio.subprocess.DEVNULL
        )
        return await asyncio.wait_for(process.wait(), 20)


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    heard: asyncio.Queue[Trap] = asyncio.Queue()
    async with listen("127.0.0.1", 0, heard.put_nowait, [V2cCredential("trap-community"), USER]) as listener:
        yield Ear(heard, listener.port)


@pytest.mark.parametrize(
    ("generic", "specific", "expected"),
    [
        pytest.param("0", "0", "1.3.6.1.6.3.1.1.5.1", id="coldStart"),
        pytest.param("2", "0", LINK_DOWN, id="linkDown"),
        pytest.param("4", "0", "1.3.6.1.6.3.1.1.5.5", id="authenticationFailure"),
        pytest.param("5", "0", "1.3.6.1.6.3.1.1.5.6", id="egpNeighborLoss"),
        pytest.param("6", "5", f"{ENTERPRISE}.0.5", id="enterprise specific"),
    ],
)
async def test_v1_as_rfc_3584_translates_it(ear: Ear, generic: str, specific: str, expected: str) -> None:
    sent = ["-", ENTERPRISE, "127.0.0.9", generic, specific, "4711", *VARBIND]
    assert await ear.send("snmptrap", "-v1", "-c", "trap-community", *sent) == 0
    trap = await ear.next()
    said = dict(trap.varbinds)
    assert trap.trap_oid == expected
    assert (said["1.3.6.1.2.1.1.3.0"], said["1.3.6.1.6.3.18.1.3.0"], said[IF_INDEX]) == (4711, "127.0.0.9", 7)
    assert said["1.3.6.1.6.3.1.1.4.3.0"] == ENTERPRISE
    assert "trap-community" not in repr(trap)


async def test_v2c(ear: Ear) -> None:
    assert await ear.send("snmptrap", "-v2c", "-c", "trap-community", "-", "99", LINK_DOWN, *VARBIND) == 0
    trap = await ear.next()
    assert (trap.trap_oid, dict(trap.varbinds)[IF_INDEX]) == (LINK_DOWN, 7)


async def test_v3_with_sha256_and_aes_of_an_engine_never_met(ear: Ear) -> None:
    for _ in range(2):
        assert await ear.send("snmptrap", *V3, "-e", ENGINE, "-", "99", LINK_DOWN, *VARBIND) == 0
        trap = await ear.next()
        assert (trap.trap_oid, dict(trap.varbinds)[IF_INDEX]) == (LINK_DOWN, 7)


async def test_informs_are_acknowledged(ear: Ear) -> None:
    """`snmpinform` ends well only if it was answered."""
    assert await ear.send("snmpinform", "-v2c", "-c", "trap-community", "-", "99", LINK_DOWN, *VARBIND) == 0
    assert (await ear.next()).trap_oid == LINK_DOWN
    assert await ear.send("snmpinform", *V3, "-", "99", LINK_DOWN, *VARBIND) == 0
    assert (await ear.next()).trap_oid == LINK_DOWN


async def test_a_wrong_phrase_and_an_unknown_user_are_not_heard(ear: Ear) -> None:
    wrong = ["other-phrase-1" if one == "authentic-phrase" else one for one in V3]
    stranger = ["nobody" if one == "trapper" else one for one in V3]
    for arguments in (wrong, stranger):
        await ear.send("snmptrap", *arguments, "-e", ENGINE, "-", "99", LINK_DOWN, *VARBIND)
    await ear.send("snmptrap", "-v2c", "-c", "trap-community", "-", "99", "1.3.6.1.6.3.1.1.5.1")
    assert (await ear.next()).trap_oid == "1.3.6.1.6.3.1.1.5.1"
    assert ear.heard.empty()


async def test_one_sources_storm_is_cut_before_it_is_decoded_and_another_is_heard(ear: Ear) -> None:
    import socket

    from fleet.snmp.agent import notification
    from fleet.snmp.senders import BURST

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as loud, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as calm:
        loud.bind(("127.0.0.8", 0))
        calm.bind(("127.0.0.9", 0))
        for number in range(BURST * 3):
            loud.sendto(notification("trap-community", number, LINK_DOWN), ("127.0.0.1", ear.port))
            await asyncio.sleep(0)
        calm.sendto(notification("trap-community", 1, LINK_DOWN), ("127.0.0.1", ear.port))
        sources = [(await ear.next()).source_address]
        while sources[-1] != "127.0.0.9":
            sources.append((await ear.next()).source_address)
    assert BURST <= sources.count("127.0.0.8") < BURST * 2
