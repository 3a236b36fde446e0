"""A device says something unasked: it is noted once, and asked at once."""

import signal
import socket
import subprocess
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from fleet.devices import services as devices
from fleet.devices.models import Credential, Device, Prefix
from fleet.monitoring import services
from fleet.monitoring.management.commands import receive_traps
from fleet.monitoring.models import Health, Trap
from fleet.monitoring.services import traps
from fleet.monitoring.services.traps import STORM_PER_MINUTE, STRANGERS_PER_MINUTE, Notice
from fleet.sites import services as sites
from fleet.sites.models import Site
from fleet.snmp.agent import notification
from fleet.snmp.traps import Trap as Heard
from tests.conftest import City
from tests.integration.monitoring.conftest import Machine, School, small_city

LINK_DOWN = "1.3.6.1.6.3.1.1.5.3"
COLD_START = "1.3.6.1.6.3.1.1.5.1"


def notice(school: School, name: str, oid: str = COLD_START, after_s: float = 0, port: int | None = None) -> Notice:
    address = str(school.device(name).address)
    return Notice(address, oid, timezone.now() + timedelta(seconds=after_s), port)


def due() -> set[str]:
    return set(Health.objects.due(timezone.now()).values_list("device__name", flat=True))


@pytest.fixture
def _nothing_due(school: School) -> None:
    Health.objects.update(next_poll_at=timezone.now() + timedelta(hours=1))


@pytest.mark.django_db
@pytest.mark.usefixtures("_nothing_due")
def test_a_trap_makes_its_device_due(school: School) -> None:
    assert traps.take(notices=[notice(school, "Access Point 101")]) == 1
    assert due() == {"Access Point 101"}
    assert Trap.objects.get().device == school.device("Access Point 101")


@pytest.mark.django_db
@pytest.mark.usefixtures("_nothing_due")
def test_a_link_trap_also_asks_what_hangs_on_that_port(school: School) -> None:
    port = school.device("Access Point 102").uplinks.get().port
    traps.take(notices=[notice(school, "Switch 1", LINK_DOWN, port=port.if_index)])
    assert due() == {"Switch 1", "Access Point 102"}


@pytest.mark.django_db
@pytest.mark.usefixtures("_nothing_due")
def test_repetitions_are_one_and_strangers_make_nothing_due(school: School) -> None:
    stranger = Notice("192.0.2.7", COLD_START, timezone.now())
    same = [notice(school, "Access Point 101", after_s=n) for n in range(3)]
    assert traps.take(notices=[*same, stranger]) == 2
    assert traps.take(notices=[notice(school, "Access Point 101", after_s=4)]) == 0
    assert traps.take(notices=[notice(school, "Access Point 101", after_s=30)]) == 1
    assert due() == {"Access Point 101"}


@pytest.mark.django_db
@pytest.mark.usefixtures("_nothing_due")
def test_two_ports_that_go_down_at_once_are_two(school: School) -> None:
    down = [notice(school, "Switch 1", LINK_DOWN, after_s=n, port=port) for n, port in enumerate((3, 4, 4))]
    assert traps.take(notices=down) == 2
    assert traps.take(notices=[notice(school, "Switch 1", LINK_DOWN, after_s=3, port=port) for port in (3, 5)]) == 1
    assert list(Trap.objects.order_by("pk").values_list("if_index", flat=True)) == [3, 4, 5]


@pytest.mark.django_db
def test_of_an_address_that_two_cities_use_both_are_asked_and_neither_is_noted(city: City) -> None:
    twin = same_address_elsewhere(city.switch_a)
    Health.objects.update(next_poll_at=timezone.now() + timedelta(hours=1))

    assert traps.take(notices=[Notice(str(twin.address), COLD_START, timezone.now())]) == 1

    assert {city.switch_a.name, twin.name} <= due()
    assert Trap.objects.get().device is None


def same_address_elsewhere(device: Device) -> Device:
    authority = sites.create_authority(name="Stadt Anderstadt")
    details = sites.SiteDetails(Site.Kind.SCHOOL, "Schule Anderswo", "schule-anderswo")
    site = sites.create_site(authority=authority, details=details)
    kind = Credential.Kind.SNMP_V2C
    snmp = devices.create_credential(authority=authority, name="SNMP", kind=kind, secret={"community": "another"})
    devices.create_prefix(site=site, cidr="127.20.1.0/24", purpose=Prefix.Purpose.MANAGEMENT)
    twin = devices.DeviceDetails(device.type, "SW-anderswo", address=device.address, snmp_credential=snmp)
    made = devices.create_device(site=site, details=twin)
    services.watch(device=made)
    return made


@pytest.mark.django_db
@pytest.mark.usefixtures("_nothing_due")
def test_a_storm_is_cut_off(school: School) -> None:
    storm = [notice(school, "Switch 1", f"1.3.6.1.4.1.99999.{n}") for n in range(500)]
    assert traps.take(notices=storm) == STORM_PER_MINUTE


def test_the_receiver_hears_a_real_trap_and_stops_when_told(machine: Machine) -> None:
    machine.environment |= {"TRAP_PORT": "0", "PYTHONUNBUFFERED": "1"}
    device = small_city().by_key["eiche-ap-101"]
    receiver = machine.start("receive_traps", stdout=subprocess.PIPE)
    assert receiver.stdout is not None
    with receiver.stdout:
        port = int(receiver.stdout.readline().split()[-1])
        for community in ("nobody-knows-this", device.snmp.community):
            send(notification(community, 5, COLD_START), device.address, port)
        machine.wait_for("SELECT count(*) FROM monitoring_trap", lambda count: count == 1)
        receiver.send_signal(signal.SIGTERM)
        assert receiver.wait(10) == 0
    assert machine.read("SELECT source_address, oid FROM monitoring_trap") == [(device.address, COLD_START)]


def send(datagram: bytes, source: str, port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((source, 0))
        sender.sendto(datagram, ("127.0.0.1", port))


@pytest.mark.django_db
@pytest.mark.usefixtures("_nothing_due")
def test_what_anybody_can_provoke_makes_nobody_ask(school: School) -> None:
    assert traps.take(notices=[notice(school, "Switch 1", "1.3.6.1.6.3.1.1.5.5")]) == 1
    assert due() == set()


@pytest.mark.django_db
@pytest.mark.usefixtures("_nothing_due")
def test_a_switch_that_starts_anew_has_all_behind_it_asked(school: School) -> None:
    traps.take(notices=[notice(school, "Switch 1", COLD_START)])
    assert due() == {"Switch 1", "Access Point 101", "Access Point 102", "Drucker 101"}


@pytest.mark.django_db
@pytest.mark.usefixtures("_nothing_due")
def test_strangers_fill_no_table_however_many_they_are(school: School) -> None:
    now = timezone.now()
    crowd = [Notice(f"192.0.2.{n}", COLD_START, now) for n in range(1, 200)]
    assert traps.take(notices=[*crowd, notice(school, "Switch 1")]) == STRANGERS_PER_MINUTE + 1
    assert traps.take(notices=[Notice("198.51.100.7", COLD_START, now)]) == 0


@pytest.mark.parametrize(
    ("relays", "source"),
    [
        pytest.param(["127.0.0.9"], "127.9.9.9", id="a relay of ours"),
        pytest.param([], "127.0.0.9", id="whoever knows one community may speak for itself only"),
    ],
)
def test_whose_notification_it_is_only_a_relay_says(settings: LazySettings, relays: list[str], source: str) -> None:
    settings.TRAP_RELAYS = relays
    claimed = (receive_traps.SNMP_TRAP_ADDRESS, "127.9.9.9")
    assert receive_traps._source(Heard("127.0.0.9", COLD_START, (claimed,), timezone.now())) == source
    for nothing in ((), ((receive_traps.SNMP_TRAP_ADDRESS, "0.0.0.0"),), ((receive_traps.SNMP_TRAP_ADDRESS, "no address"),)):
        assert receive_traps._source(Heard("127.0.0.9", COLD_START, nothing, timezone.now())) == "127.0.0.9"
