"""The two ends of the seam: what the lab's devices say is what the profiles understand."""

from typing import Any

from fleet.lab.city import Device, SnmpV2c, demo_city
from fleet.lab.mib import agents
from fleet.lab.world import World
from fleet.snmp.agent import Responder
from fleet.snmp.fetch import PysnmpFetcher
from fleet.snmp.read import read_many
from fleet.snmp.types import Auth, Credential, Priv, Reading, Target, V2cCredential, V3Credential

KINDS = {"openwrt": "access-point", "labswitch": "switch", "gateway": "router", "printer": "printer", "ups": "ups"}


def _credential(device: Device) -> Credential:
    if isinstance(device.snmp, SnmpV2c):
        return V2cCredential(device.snmp.community)
    auth = {"SHA": Auth.SHA1, "SHA-256": Auth.SHA256}[device.snmp.auth_protocol]
    return V3Credential(device.snmp.user, auth, device.snmp.auth_password, Priv.AES128, device.snmp.priv_password)


async def _read_all() -> dict[Device, Any]:
    city = demo_city()
    async with Responder(agents(World(city)), 0) as responder, PysnmpFetcher() as fetcher:
        targets = ((device, Target(device.address, responder.port, _credential(device))) for device in city.devices)
        return {device: result async for device, result in read_many(fetcher, targets)}


async def test_every_lab_device_says_what_it_is() -> None:
    readings = await _read_all()

    assert {device.key: reading.kind for device, reading in readings.items()} == {
        device.key: KINDS[device.platform] for device in demo_city().devices
    }
    assert [reading.problems for reading in readings.values() if reading.problems] == []


async def test_every_platform_says_how_it_is() -> None:
    by_platform: dict[str, Reading] = {device.platform: reading for device, reading in (await _read_all()).items()}

    point, switch = by_platform["openwrt"], by_platform["labswitch"]
    assert point.wireless is not None
    assert point.wireless.ssids
    assert {radio.band for radio in point.wireless.radios or ()} == {"2.4", "5"}
    assert sum((point.wireless.clients_by_ssid or {}).values()) == point.wireless.clients
    assert {port.status for port in switch.poe or ()} <= {"deliveringPower", "searching", "disabled"}
    assert all(neighbour.local_ifIndex for neighbour in switch.neighbours or [None])
    assert switch.forwarding
    assert by_platform["printer"].supplies
    assert by_platform["ups"].ups is not None
    assert by_platform["ups"].ups.on_battery is False
    assert all(reading.interfaces and reading.model for reading in by_platform.values())
