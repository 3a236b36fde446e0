"""Looking through a range for devices that nobody has told us of, on agents that really answer."""

from datetime import timedelta
from threading import Thread

import pytest
from django.db import connection
from django.utils import timezone

from fleet.devices import services as devices
from fleet.devices.models import Credential, Device, Interface, Prefix
from fleet.devices.services import DeviceError
from fleet.lab.faults import Fault
from fleet.monitoring.models import Found, Health, Search
from fleet.monitoring.services import discovery
from tests.integration.monitoring.conftest import School


@pytest.fixture
def prefix(school: School) -> Prefix:
    return Prefix.objects.get()


@pytest.fixture
def community(school: School) -> Credential:
    return Credential.objects.get(kind=Credential.Kind.SNMP_V2C)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "TIMEOUT_S", 0.2)


def forget(*names: str) -> None:
    for device in Device.objects.filter(name__in=names):
        device.delete()


def searched(prefix: Prefix, community: Credential, school: School) -> Search:
    search = discovery.start(prefix=prefix, credential=community, port=school.port)
    while Search.objects.unfinished().exists():
        discovery.tick(search_id=search.pk)
    search.refresh_from_db()
    return search


@pytest.mark.django_db(transaction=True)
def test_what_nobody_knew_is_found_and_becomes_a_device(school: School, prefix: Prefix, community: Credential) -> None:
    lost = Device.objects.filter(kind="access-point", snmp_credential=community).first()
    assert lost is not None
    name, address, serial = lost.name, lost.address, lost.serial
    forget(name)

    search = searched(prefix, community, school)

    assert (search.state, search.asked) == (Search.State.DONE, 254)
    found = search.found.get()
    assert (found.address, found.kind, found.serial, found.device) == (address, "access-point", serial, None)
    made = discovery.add(search=search, found_ids=[found.pk])
    assert [(one.address, one.serial, one.snmp_credential) for one in made] == [(address, serial, community)]
    assert discovery.add(search=search, found_ids=[found.pk]) == [], "a second click finds nothing new"


@pytest.mark.django_db(transaction=True)
def test_what_is_too_slow_to_be_read_is_found_all_the_same(
    school: School, prefix: Prefix, community: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget("Switch 1")
    school.world.set_faults([Fault("slow", "eiche-sw-1", 0.1)])
    monkeypatch.setattr(discovery, "READ_S", 0.8)

    search = searched(prefix, community, school)

    found = search.found.get()
    assert (found.kind, found.device) == ("switch", None)


def test_a_part_of_the_range_is_through_before_others_take_the_search_for_given_up() -> None:
    assert discovery.LEASE.total_seconds() > discovery.READ_S


@pytest.mark.django_db(transaction=True)
def test_a_device_that_moved_is_known_by_its_serial_number(school: School, prefix: Prefix, community: Credential) -> None:
    moved = Device.objects.filter(kind="access-point", snmp_credential=community).exclude(serial="").first()
    assert moved is not None
    Device.objects.filter(pk=moved.pk).update(address="127.20.77.250")

    search = searched(prefix, community, school)

    assert [one.device for one in search.found.all()] == [moved]


@pytest.mark.django_db(transaction=True)
def test_a_search_goes_on_where_a_killed_worker_left_it(
    school: School, prefix: Prefix, community: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = discovery.start(prefix=prefix, credential=community, port=school.port)
    monkeypatch.setattr(discovery, "TICK_S", 0.0)
    assert discovery.tick(search_id=search.pk) == discovery.AT_ONCE
    dead = {"claim": "6b0f7b0e-55a5-4c43-9d9b-0f5a3e0f3a11", "claimed_until": timezone.now() + timedelta(minutes=1)}
    Search.objects.filter(pk=search.pk).update(**dead)
    assert discovery.tick(search_id=search.pk) == 0, "somebody holds it"

    Search.objects.filter(pk=search.pk).update(claimed_until=timezone.now() - timedelta(seconds=1))

    assert discovery.tick(search_id=search.pk) == discovery.AT_ONCE
    search.refresh_from_db()
    assert search.asked == 2 * discovery.AT_ONCE


@pytest.mark.django_db(transaction=True)
def test_a_stopped_search_ends_at_its_next_step(school: School, prefix: Prefix, community: Credential) -> None:
    search = discovery.start(prefix=prefix, credential=community, port=school.port)
    worker = Thread(target=lambda: (discovery.tick(search_id=search.pk), connection.close()))
    worker.start()

    assert discovery.stop(search=search)

    worker.join(30)
    search.refresh_from_db()
    assert search.state == Search.State.STOPPED
    assert search.asked < search.total
    assert not discovery.stop(search=search)


def test_a_search_whose_credential_nothing_opens_is_none_and_none_goes_on_for_ever(
    school: School, prefix: Prefix, community: Credential
) -> None:
    search = discovery.start(prefix=prefix, credential=community)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE devices_credential SET secret = 'gAAAAAnonsense' WHERE id = %s", [community.pk])

    assert discovery.tick(search_id=search.pk) == 0

    search.refresh_from_db()
    assert search.state == Search.State.STOPPED
    with pytest.raises(DeviceError, match="unserem Schlüssel"):
        discovery.start(prefix=prefix, credential=Credential.objects.defer("secret").get(pk=community.pk))


def test_a_range_is_searched_once_at_a_time(school: School, prefix: Prefix, community: Credential) -> None:
    discovery.start(prefix=prefix, credential=community)
    with pytest.raises(DeviceError):
        discovery.start(prefix=prefix, credential=community)


def test_a_community_goes_into_management_ranges_only(school: School, community: Credential) -> None:
    site = Device.objects.all()[0].site
    users = devices.create_prefix(site=site, cidr="127.30.0.0/24", purpose=Prefix.Purpose.USERS)
    wide = devices.create_prefix(site=site, cidr="127.40.0.0/16", purpose=Prefix.Purpose.MANAGEMENT)
    for prefix in (users, wide):
        with pytest.raises(DeviceError):
            discovery.start(prefix=prefix, credential=community)
    assert not Search.objects.exists()


def test_all_chosen_ones_are_added_or_none(school: School, prefix: Prefix, community: Credential) -> None:
    search = discovery.start(prefix=prefix, credential=community)
    taken = Device.objects.exclude(serial="").first()
    assert taken is not None
    good = Found.objects.create(search=search, address="127.20.77.240", name="Neu")
    bad = Found.objects.create(search=search, address="127.20.77.241", name="Neu", serial=taken.serial)

    with pytest.raises(DeviceError):
        discovery.add(search=search, found_ids=[good.pk, bad.pk])

    assert not Device.objects.filter(name="Neu").exists()
    assert not Interface.objects.filter(device__name="Neu").exists()
    assert not Health.objects.filter(device__name="Neu").exists()
