"""Net-SNMP's own agent, as Debian ships it: both fetchers, all versions. Left out where it is not installed."""

import asyncio
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet.snmp.errors import SnmpAuthError
from fleet.snmp.fetch import GufoFetcher, PysnmpFetcher
from fleet.snmp.read import read
from fleet.snmp.types import Auth, Credential, Priv, Reading, Target, V1Credential, V2cCredential, V3Credential
from tests.integration.snmp.conftest import in_stream

SNMPD = shutil.which("snmpd") or "/usr/sbin/snmpd"
pytestmark = pytest.mark.skipif(not Path(SNMPD).exists(), reason="snmpd is not installed")

COMMUNITY = "debian-test"
USERS = [
    V3Credential("sha256aes", Auth.SHA256, "authentication", Priv.AES128, "privacy-key"),
    V3Credential("sha1aes", Auth.SHA1, "authentication", Priv.AES128, "privacy-key"),
    V3Credential("sha512", Auth.SHA512, "authentication"),
]
SPELLED = {Auth.SHA1: "SHA", Auth.SHA256: "SHA-256", Auth.SHA512: "SHA-512"}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("snmpd")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    lines = [f"rocommunity {COMMUNITY} 127.0.0.1", "sysContact nobody@schule.example"]
    for user in USERS:
        privacy = f" AES {user.priv_key}" if user.priv_key else ""
        lines += [f"createUser {user.user} {SPELLED[user.auth_protocol]} {user.auth_key}{privacy}"]
        lines += [f"rouser {user.user} {'priv' if privacy else 'auth'}"]
    config = folder / "snmpd.conf"
    config.write_text("\n".join(lines) + "\n")
    environment = {"SNMP_PERSISTENT_DIR": str(folder), "PATH": "/usr/sbin:/usr/bin:/bin"}
    command = [SNMPD, "-f", "-Lf", str(folder / "log"), "-C", "-c", str(config), f"udp:127.0.0.1:{number}"]
    with subprocess.Popen(command, env=environment) as process:
        for _ in range(50):
            try:
                in_stream(
                    GufoFetcher().get(Target("127.0.0.1", number, V2cCredential(COMMUNITY), 0.2), ["1.3.6.1.2.1.1.5.0"])
                )
                break
            except Exception:  # noqa: S112 - it is still starting
                continue
        yield number
        process.terminate()


@pytest.mark.parametrize(
    "credential",
    [V1Credential(COMMUNITY), V2cCredential(COMMUNITY), *USERS],
    ids=["v1", "v2c", *(user.user for user in USERS)],
)
def test_both_fetchers_read_the_same(port: int, credential: Credential) -> None:
    target = Target("127.0.0.1", port, credential)

    async def thorough() -> Reading:
        async with PysnmpFetcher() as fetcher:
            return await read(fetcher, target)

    slow, quick = asyncio.run(thorough()), in_stream(read(GufoFetcher(), target))

    assert named(quick) == named(slow)
    assert quick.interfaces


def named(reading: Reading) -> dict[str, Any]:
    """What does not change from one moment to the next."""
    said = reading.as_dict()
    said["interfaces"] = [
        {name: row[name] for name in ("ifIndex", "name", "oper", "speed_bps")} for row in said["interfaces"]
    ]
    said["memory"] = [row["name"] for row in said["memory"] or []]
    said["cpu_percent"] = len(said["cpu_percent"] or [])
    return {name: said[name] for name in said if name != "uptime_s"}


def test_a_wrong_key_is_an_auth_error(port: int) -> None:
    wrong = V3Credential("sha256aes", Auth.SHA256, "not the key", Priv.AES128, "privacy-key")
    with pytest.raises(SnmpAuthError):
        in_stream(GufoFetcher().get(Target("127.0.0.1", port, wrong, 0.5), ["1.3.6.1.2.1.1.5.0"]))
