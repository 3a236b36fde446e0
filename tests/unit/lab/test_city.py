"""The synthetic city hangs together, and the bell rings."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from fleet.lab.city import City, SnmpV2c, SnmpV3, demo_city, large_city
from fleet.lab.city.build import SECONDARY_BELL
from fleet.lab.city.model import Phase

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("city", [demo_city(), large_city(200)], ids=["demo", "large"])
def test_every_key_address_mac_and_serial_is_its_own(city: City) -> None:
    for words in (
        [device.key for device in city.devices],
        [device.address for device in city.devices],
        [device.mac for device in city.devices],
        [device.serial for device in city.devices],
    ):
        assert len(set(words)) == len(words)


@pytest.mark.parametrize("city", [demo_city(), large_city(200)], ids=["demo", "large"])
def test_every_cable_ends_in_a_port_of_its_own_and_leads_to_the_gateway(city: City) -> None:
    links = [device.uplink for device in city.devices if device.uplink]
    assert len({(link.device, link.port) for link in links}) == len(links)
    for device in city.devices:
        above = device
        while above.uplink:
            above = city.by_key[above.uplink.device]
        assert above.platform == "gateway"
        assert above.site == device.site


def test_the_demo_city_has_what_the_story_needs() -> None:
    city = demo_city()
    kinds = [site.kind for site in city.sites]
    assert (kinds.count("school"), kinds.count("kindergarten")) == (3, 2)
    assert 55 <= len(city.devices) <= 65
    assert city.by_key["lindenhain-ap-204"].uplink
    assert {type(device.snmp) for device in city.devices} == {SnmpV2c, SnmpV3}
    assert all(device.room in city.rooms for device in city.devices)
    assert {person.role for person in city.people} == {
        "coordinator", "technician", "administrator", "approver", "auditor", "security",
    }  # fmt: skip
    assert all(person.email.endswith(".example") and person.email.isascii() for person in city.people)
    assert {site for person in city.people if person.role == "coordinator" for site in person.sites} == set(city.site_by_key)


def test_credentials_do_not_show_in_a_repr() -> None:
    device = demo_city().by_key["lindenhain-ap-204"]
    assert isinstance(device.snmp, SnmpV2c)
    assert device.snmp.community not in repr(device)


@pytest.mark.parametrize(
    ("moment", "phase"),
    [
        ("2026-11-23 07:59", "night"),
        ("2026-11-23 08:00", "lesson"),
        ("2026-11-23 08:44", "lesson"),
        ("2026-11-23 08:45", "break"),
        ("2026-11-23 13:30", "break"),
        ("2026-11-23 15:45", "afternoon"),
        ("2026-11-23 17:00", "night"),
        ("2026-11-28 10:00", "night"),  # a Saturday
    ],
)
def test_bell(moment: str, phase: Phase) -> None:
    assert SECONDARY_BELL.phase(datetime.fromisoformat(moment).replace(tzinfo=BERLIN)) == phase
