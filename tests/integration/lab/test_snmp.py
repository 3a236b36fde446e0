"""The lab's devices answer as the standards say, over real UDP, and what changes in the world shows."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pyasn1.codec.ber import decoder
from pysnmp.hlapi.v3arch.asyncio import (
    USM_AUTH_HMAC96_SHA,
    USM_PRIV_CFB128_AES,
    CommunityData,
    UsmUserData,
)
from pysnmp.proto.api import v2c
from pysnmp.proto.rfc1905 import NoSuchInstance, NoSuchObject

from fleet.lab import faults
from fleet.lab.city import SnmpV2c, SnmpV3, demo_city
from fleet.lab.faults import Fault
from fleet.lab.server import Lab
from fleet.lab.world import AccessPoint
from fleet.snmp.agent import ber, pdu
from tests.integration.lab.conftest import NoAnswerError

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]

CITY = demo_city()
AP = CITY.by_key["lindenhain-ap-204"]
SWITCH = CITY.by_key["lindenhain-sw-2"]
PRINTER = CITY.by_key["lindenhain-printer-1"]
UPS = CITY.by_key["lindenhain-ups"]
AP_V3 = CITY.by_key["silberbach-ap-11"]

SYS_OBJECT_ID, SYS_UPTIME, SYS_NAME = "1.3.6.1.2.1.1.2.0", "1.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.1.5.0"
PROMISED_S = 0.5
"""0.3 s to see the file, and what this test itself takes to look."""
DOT11_DESIRED_SSID = "1.2.840.10036.1.1.1.9"
EXTEND = "1.3.6.1.4.1.8072.1.3.2.3.1.1"
PETH_DETECTION = "1.3.6.1.2.1.105.1.1.1.6.1"
LLDP_REM_SYS_NAME = "1.0.8802.1.1.2.1.4.1.1.9"
UPS_OUTPUT_SOURCE = "1.3.6.1.2.1.33.1.4.1.0"
VLAN_STATIC, PVID = "1.3.6.1.2.1.17.7.1.4.3.1", "1.3.6.1.2.1.17.7.1.4.5.1.1"
FORWARDING = "1.3.6.1.2.1.17.7.1.2.2.1.2"
EXAM = "\nconfig wifi-iface 'exam'\n\toption device 'radio1'\n\toption mode 'ap'\n\toption ssid 'Pruefung'\n"


def access_point(lab: Lab) -> AccessPoint:
    machine = lab.world.by_key(AP.key)
    assert isinstance(machine, AccessPoint)
    return machine


# --- what they say ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "object_id"),
    [
        ("lindenhain-ap-204", "1.3.6.1.4.1.8072.3.2.10"),
        ("lindenhain-sw-2", "1.3.6.1.4.1.8072.9999.9999.1"),
        ("nordwall-gw", "1.3.6.1.4.1.8072.9999.9999.2"),
        ("kieselstein-printer-1", "1.3.6.1.4.1.8072.9999.9999.3"),
        ("silberbach-ups", "1.3.6.1.4.1.8072.9999.9999.4"),
    ],
)
async def test_each_kind_says_what_and_who_it_is(ask: Any, key: str, object_id: str) -> None:
    answer = await ask.get(CITY.by_key[key], SYS_OBJECT_ID, SYS_NAME, SYS_UPTIME)
    assert str(answer[SYS_OBJECT_ID]) == object_id
    assert str(answer[SYS_NAME]) == key
    assert int(answer[SYS_UPTIME]) > 0


async def test_a_whole_walk_of_every_kind_ends_and_every_object_can_be_asked_for(ask: Any) -> None:
    for key in ("lindenhain-ap-204", "kieselstein-sw-1", "silberbach-ups"):
        device = CITY.by_key[key]
        walked = await ask.walk(device, "1.3")
        assert len(walked) > 40
        some = list(walked)[:: len(walked) // 19]
        answered = await ask.get(device, *some)
        assert not any(isinstance(value, NoSuchObject | NoSuchInstance) for value in answered.values())


async def test_what_is_not_there_is_said_to_be_missing(ask: Any) -> None:
    answer = await ask.get(AP, "1.3.6.1.2.1.1.5.1", "1.3.6.1.2.1.33.1.4.1.0")
    assert isinstance(answer["1.3.6.1.2.1.1.5.1"], NoSuchInstance)
    assert isinstance(answer["1.3.6.1.2.1.33.1.4.1.0"], NoSuchObject)


async def test_a_switch_knows_its_neighbours_by_lldp_and_the_addresses_behind_its_ports(ask: Any) -> None:
    names = {oid.split(".")[-2]: str(value) for oid, value in (await ask.walk(SWITCH, LLDP_REM_SYS_NAME)).items()}
    assert names["4"] == AP.key
    assert names["25"] == "lindenhain-sw-1"
    learnt = {bytes(map(int, oid.split(".")[-6:])): int(p) for oid, p in (await ask.walk(SWITCH, FORWARDING)).items()}
    assert learnt[bytes.fromhex(AP.mac.replace(":", ""))] == 4


async def test_a_switchs_vlans_follow_its_running_configuration(lab: Lab, ask: Any, eventually: Eventually) -> None:
    config, port = lab.world.switch(SWITCH.key).running_config, 10
    name, egress, untagged = (f"{VLAN_STATIC}.{column}.{number}" for column, number in ((1, 40), (2, 20), (4, 20)))
    pvid = f"{PVID}.{port}"
    before = await ask.get(SWITCH, pvid, egress, untagged)
    assert int(before[pvid]) == 1
    assert port not in members(before[egress])
    assert 4 in members(before[egress]), "the way to an access point carries all of them"
    assert not members(before[untagged])

    config.vlans[40] = "technik"
    config.ports[port].vlan = 20

    async def follows() -> bool:
        now = await ask.get(SWITCH, pvid, egress, untagged, name)
        inside = port in members(now[egress]) and members(now[untagged]) == {port}
        return int(now[pvid]) == 20 and inside and str(now[name]) == "technik"

    await eventually(follows)


def members(ports: Any) -> set[int]:
    """Of a PortList (RFC 4363): the first octet's highest bit is port 1."""
    return {8 * octet + bit + 1 for octet, bits in enumerate(bytes(ports)) for bit in range(8) if bits & 0x80 >> bit}


async def test_printer_and_ups_have_their_supplies_and_battery(ask: Any) -> None:
    supplies = await ask.walk(PRINTER, "1.3.6.1.2.1.43.11.1.1")
    assert str(supplies["1.3.6.1.2.1.43.11.1.1.6.1.1"]) == "Black Toner Cartridge"
    assert 0 <= int(supplies["1.3.6.1.2.1.43.11.1.1.9.1.1"]) <= 100
    assert int((await ask.get(UPS, UPS_OUTPUT_SOURCE))[UPS_OUTPUT_SOURCE]) == 3


# --- who may ask ------------------------------------------------------------------------------------------------------


async def test_a_wrong_community_hears_nothing(ask: Any) -> None:
    with pytest.raises(Exception, match="No SNMP response"):
        await ask.get(AP, SYS_NAME, auth=CommunityData("public"), timeout_s=0.3)


async def test_the_right_community_works_in_version_1_too(ask: Any) -> None:
    assert not isinstance(AP.snmp, SnmpV3)
    answer = await ask.get(AP, SYS_NAME, auth=CommunityData(AP.snmp.community, mpModel=0))  # noqa: S508
    assert str(answer[SYS_NAME]) == AP.key


async def test_version_3_authpriv(ask: Any) -> None:
    answer = await ask.get(AP_V3, SYS_NAME)
    assert str(answer[SYS_NAME]) == AP_V3.key


@pytest.mark.parametrize(
    ("user", "auth", "priv", "says"),
    [
        ("fleetdesk", "not the password", None, "Wrong SNMP PDU digest"),
        ("fleetdesk", None, "not the password", "Ciphering services not available|[Dd]ecrypt|response"),
        ("somebody", None, None, "Unknown USM user"),
    ],
)
async def test_version_3_refuses_strangers(ask: Any, user: str, auth: str | None, priv: str | None, says: str) -> None:
    known = AP_V3.snmp
    assert isinstance(known, SnmpV3)
    stranger = UsmUserData(
        user, auth or known.auth_password, priv or known.priv_password, USM_AUTH_HMAC96_SHA, USM_PRIV_CFB128_AES
    )
    with pytest.raises(Exception, match=says):
        await ask.get(AP_V3, SYS_NAME, auth=stranger, timeout_s=0.5)


async def test_version_3_after_a_reboot_the_manager_finds_its_way_back(ask: Any, lab: Lab, eventually: Eventually) -> None:
    async def uptime_ticks() -> int:
        return int((await ask.get(AP_V3, SYS_UPTIME, timeout_s=0.3))[SYS_UPTIME])

    async def answers() -> bool:
        return await uptime_ticks() >= 0

    before = await uptime_ticks()
    lab.world.by_key(AP_V3.key).reboot(0.5)
    with pytest.raises(NoAnswerError):
        await uptime_ticks()

    await eventually(answers)

    assert await uptime_ticks() < 1000 < before, "with the clock and the boots of before it would not be heard"


# --- one state --------------------------------------------------------------------------------------------------------


async def test_a_network_put_on_air_appears_in_the_tables(ask: Any, lab: Lab) -> None:
    before = await ask.walk(AP, DOT11_DESIRED_SSID)
    assert {str(value) for value in before.values()} == {"Musterstadt-Schule"}
    machine = access_point(lab)
    machine.files["/etc/config/wireless"] += EXAM
    machine.reload_wifi()
    after = await ask.walk(AP, DOT11_DESIRED_SSID)
    assert sorted(str(value) for value in after.values()) == ["Musterstadt-Schule", "Musterstadt-Schule", "Pruefung"]
    new = (set(after) - set(before)).pop().rpartition(".")[2]
    name = f"1.3.6.1.2.1.31.1.1.1.1.{new}"
    assert str((await ask.get(AP, name))[name]) == "wlan1-1"
    clients = f"{EXTEND}.15.{'.'.join(str(octet) for octet in b'clients-wlan1-1')}"
    assert int(str((await ask.get(AP, clients))[clients])) >= 0


async def test_poe_off_makes_the_access_point_silent_and_on_brings_it_back_rebooted(
    ask: Any, lab: Lab, eventually: Eventually
) -> None:
    status = f"{PETH_DETECTION}.4"
    assert int((await ask.get(SWITCH, status))[status]) == 3
    lab.world.switch(SWITCH.key).set_poe(4, enabled=False)
    assert int((await ask.get(SWITCH, status))[status]) == 1
    assert f"{LLDP_REM_SYS_NAME}.0.4.1" not in await ask.walk(SWITCH, LLDP_REM_SYS_NAME)
    with pytest.raises(Exception, match="No SNMP response"):
        await ask.get(AP, SYS_NAME, timeout_s=0.3)
    lab.world.switch(SWITCH.key).set_poe(4, enabled=True)

    async def back() -> bool:
        return int((await ask.get(AP, SYS_UPTIME, timeout_s=0.3))[SYS_UPTIME]) < 1000

    await eventually(back)


# --- faults -----------------------------------------------------------------------------------------------------------


async def test_a_dead_device_falls_silent_within_the_promised_time_and_heals(
    ask: Any, lab: Lab, eventually: Eventually
) -> None:
    faults.add(lab.options.faults, Fault("dead", "lindenhain-ap-2*"))
    started = asyncio.get_running_loop().time()

    async def silent() -> bool:
        return not lab.world.by_key(AP.key).reachable

    await eventually(silent)
    assert asyncio.get_running_loop().time() - started < PROMISED_S
    with pytest.raises(Exception, match="No SNMP response"):
        await ask.get(AP, SYS_NAME, timeout_s=0.3)
    await ask.get(CITY.by_key["lindenhain-ap-101"], SYS_NAME)
    faults.heal(lab.options.faults, "lindenhain-ap-2*")

    async def answers() -> bool:
        return bool(await ask.get(AP, SYS_NAME, timeout_s=0.3))

    await eventually(answers)


async def test_a_slow_device_answers_late(ask: Any, lab: Lab) -> None:
    lab.world.set_faults([Fault("slow", AP.key, 0.4)])
    started = asyncio.get_running_loop().time()
    await ask.get(AP, SYS_NAME)
    assert asyncio.get_running_loop().time() - started >= 0.4


async def test_loss_loses_about_its_share(lab: Lab) -> None:
    lab.world.set_faults([Fault("loss", AP.key, 0.5)])
    assert isinstance(AP.snmp, SnmpV2c)
    binding = ber.tlv(ber.SEQUENCE, ber.oid(SYS_NAME) + b"\x05\x00")
    body = pdu.response(ber.integer(1), binding, kind=pdu.GET)
    request = ber.tlv(ber.SEQUENCE, ber.integer(1) + ber.octets(AP.snmp.community.encode()) + body)
    answered = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as manager:
        manager.setblocking(False)
        for _ in range(200):
            manager.sendto(request, (AP.address, lab.ports.snmp))
        with contextlib.suppress(TimeoutError):
            while True:
                async with asyncio.timeout(0.5):
                    await asyncio.get_running_loop().sock_recv(manager, 2_000)
                answered += 1
    assert 60 < answered < 140


async def test_with_a_wrong_community_the_device_is_silent_in_v2c_and_refuses_in_v3(ask: Any, lab: Lab) -> None:
    lab.world.set_faults([Fault("wrong-community", "*")])
    with pytest.raises(Exception, match="No SNMP response"):
        await ask.get(AP, SYS_NAME, timeout_s=0.3)
    with pytest.raises(Exception, match="Unknown USM user"):
        await ask.get(AP_V3, SYS_NAME)


async def test_a_ups_on_battery_says_so(ask: Any, lab: Lab) -> None:
    lab.world.set_faults([Fault("on-battery", UPS.key)])
    assert int((await ask.get(UPS, UPS_OUTPUT_SOURCE))[UPS_OUTPUT_SOURCE]) == 5


# --- traps ------------------------------------------------------------------------------------------------------------


async def test_a_port_without_power_is_told_by_a_trap_from_the_switchs_own_address(lab: Lab) -> None:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.setblocking(False)
        receiver.bind(lab.options.trap_receiver)
        lab.world.switch(SWITCH.key).set_poe(4, enabled=False)
        async with asyncio.timeout(5):
            datagram, (source, _) = await loop.sock_recvfrom(receiver, 65_535)
    assert source == SWITCH.address
    assert _trap(datagram) == ("1.3.6.1.6.3.1.1.5.3", 4)


def _trap(datagram: bytes) -> tuple[str, int]:
    """(snmpTrapOID, ifIndex) as pysnmp reads them."""
    message, _ = decoder.decode(datagram, asn1Spec=v2c.Message())
    found = v2c.apiTrapPDU.get_varbinds(v2c.apiMessage.get_pdu(message))
    binds = {str(oid): value for oid, value in found}
    index = next(value for oid, value in binds.items() if oid.startswith("1.3.6.1.2.1.2.2.1.1."))
    return str(binds["1.3.6.1.6.3.1.1.4.1.0"]), int(index)
