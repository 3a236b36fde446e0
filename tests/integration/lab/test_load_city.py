"""The demo city in the database."""

from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fleet.devices.models import Credential, Device, Uplink
from fleet.lab.city import LabPorts, SnmpV2c, demo_city
from fleet.lab.server import ssh_devices
from fleet.lab.services import DEMO_PASSWORD, Surroundings, demo_logins, load_city
from fleet.lab.ssh.keys import Keys, ensure
from fleet.monitoring.models import MaintenanceWindow
from fleet.people.models import Grant, User
from fleet.sites.models import BellPeriod, ExamPeriod, FreePeriod, Room, Site

CITY = demo_city()
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return ensure(tmp_path_factory.mktemp("lab") / "keys", ssh_devices(CITY))


@pytest.fixture
def loaded(keys: Keys) -> Surroundings:
    around = Surroundings(LabPorts(16161, 2200), keys)
    load_city(city=CITY, around=around)
    return around


def counts() -> dict[str, int]:
    return {model._meta.label: model._default_manager.count() for model in apps.get_models()}


def test_everything_of_the_city_is_there(loaded: Surroundings) -> None:
    assert Device.objects.polled().count() == len(CITY.devices)
    assert Room.objects.count() == len(CITY.rooms)
    assert Uplink.objects.count() == sum(device.uplink is not None for device in CITY.devices)
    lessons = BellPeriod.objects.filter(kind="lesson")
    assert lessons.count() == 5 * sum(len(site.bell.periods) for site in CITY.sites)
    assert BellPeriod.objects.filter(kind="nap").count() == 5 * 2
    assert MaintenanceWindow.objects.get().site == ExamPeriod.objects.get().site
    assert FreePeriod.objects.count() == 4
    ap = Device.objects.get(site__slug="lindenhain", room__number="204", kind="access-point")
    port = ap.uplinks.get().port
    assert (port.device.name, port.name, port.poe) == ("Switch 2", "1/4", True)
    assert ap.type.platform == "openwrt"
    assert ap.ssh_host_key == loaded.keys.host_public_key("lindenhain-ap-204")
    assert (str(ap.address), ap.snmp_port, ap.ssh_port) == ("127.20.1.48", 16161, 2200)


def test_each_role_is_held_where_the_city_says(loaded: Surroundings) -> None:
    coordinator = User.objects.get(email="carla.lindgruen@musterstadt.example")
    assert Site.objects.visible_to(coordinator).get().slug == "lindenhain"
    administrator = User.objects.get(email="anton.leitner@musterstadt.example")
    assert Site.objects.visible_to(administrator).count() == len(CITY.sites)
    assert Grant.objects.count() == sum(len(person.sites) or 1 for person in CITY.people)


def test_the_printed_logins_open_the_door(loaded: Surroundings, rf: Any) -> None:
    assert len(demo_logins()) == len(CITY.people)
    for email, _words in demo_logins()[:2]:
        assert authenticate(rf.post("/"), email=email, password=DEMO_PASSWORD) is not None


def test_a_second_time_changes_nothing(loaded: Surroundings) -> None:
    before = counts()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        load_city(city=CITY, around=loaded)
    assert counts() == before
    assert [one["sql"] for one in queries if one["sql"].startswith(("INSERT", "UPDATE", "DELETE"))] == []


def test_what_people_changed_stays_but_ports_follow_the_lab(loaded: Surroundings) -> None:
    ap = Device.objects.get(site__slug="lindenhain", name="Access Point 204")
    Device.objects.filter(pk=ap.pk).update(room=None)
    load_city(city=CITY, around=Surroundings(LabPorts(16999, 2299), loaded.keys))
    ap.refresh_from_db()
    assert ap.room is None
    assert (ap.snmp_port, ap.ssh_port) == (16999, 2299)


def test_a_lab_with_new_keys_is_followed(loaded: Surroundings, tmp_path: Path) -> None:
    fresh = ensure(tmp_path / "keys", ssh_devices(CITY))
    load_city(city=CITY, around=Surroundings(loaded.ports, fresh))
    ap = Device.objects.get(site__slug="lindenhain", name="Access Point 204")
    assert ap.ssh_host_key == fresh.host_public_key("lindenhain-ap-204")
    assert ap.ssh_credential is not None
    assert ap.ssh_credential.secret == {"username": "root", "private_key": fresh.client_private_key()}


def test_credentials_are_not_in_the_database_in_clear(loaded: Surroundings) -> None:
    secrets = {device.snmp.community for device in CITY.devices if isinstance(device.snmp, SnmpV2c)}
    secrets.add(loaded.keys.client_private_key().splitlines()[1])
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT secret FROM {Credential._meta.db_table}")  # noqa: S608  (our own table)
        stored = " ".join(row[0] for row in cursor.fetchall())
    assert stored
    assert not any(secret in stored for secret in secrets)
    snmp = Device.objects.get(site__slug="lindenhain", name="Access Point 204").snmp_credential
    assert snmp is not None
    assert snmp.secret["community"] in secrets


def test_production_has_no_demo_city(settings: Any, tmp_path: Path) -> None:
    settings.MODE, settings.LAB_DIR = "production", tmp_path
    with pytest.raises(CommandError, match="production"):
        call_command("load_city")
    assert not User.objects.exists()
