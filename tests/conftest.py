"""Furniture of all tests: a small city with two schools, its people under fixed names, and how they log in.

`city` is made through services, as the product makes it. Who is who: Alma coordinates school A, Bruno school B; Theo is the
technician of both, Ada administers the city, Franka approves, Rita audits, Sven keeps watch over security.
"""

import gc
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time, timedelta

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.cache import caches
from django.test import Client, TransactionTestCase
from hypothesis import settings as hypothesis_settings
from pytest_django import DjangoDbBlocker

from fleet.automation.catalogue import pinned
from fleet.automation.models import PolicyRule
from fleet.devices import services as devices
from fleet.devices.models import Credential, Device, DeviceType, Interface, Prefix
from fleet.monitoring import services as monitoring
from fleet.monitoring.services import history, limits, planning, pulse, thresholds
from fleet.people import services as people
from fleet.people.models import ApiToken, User
from fleet.people.rules import Role
from fleet.sites import services as sites
from fleet.sites.models import Authority, Building, Room, Site
from tests import database
from tests.environment import reaches_database
from tests.remembered import Remembered

hypothesis_settings.register_profile("fleetdesk", deadline=None)  # speed is measured in benchmarks, never in tests
hypothesis_settings.load_profile("fleetdesk")
Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost = 1, 64  # guessing the passwords of tests may be cheap
PASSWORD = "ein langes Passwort nur zum Testen"


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Before the time of any test runs."""
    gc.collect()
    gc.freeze()  # thousands of tests and all modules stay to the end: nobody need look through them again and again
    if any(reaches_database(item) for item in session.items):
        database.prepare()


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), database.own_database(), pytest.MonkeyPatch.context() as patched:
        patched.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: database.empty())
        yield


@pytest.fixture(autouse=True)
def _no_plans_of_another_test() -> None:
    """Each test has a database of its own; what a process keeps of it must not outlive it."""
    planning.forget()
    pinned.forget()


@dataclass(frozen=True)
class City:
    authority: Authority
    school_a: Site
    school_b: Site
    building_a: Building
    building_b: Building
    room_a: Room
    """Room 204 of school A, with `access_point_a` in it."""
    room_b: Room
    switch_a: Device
    access_point_a: Device
    """Hangs on the first port of `switch_a`."""
    printer_a: Device
    switch_b: Device
    access_point_b: Device
    snmp: Credential
    ssh: Credential
    coordinator_a: User
    coordinator_b: User
    technician: User
    administrator: User
    approver: User
    auditor: User
    security: User
    stranger: User
    """Has an account and no role anywhere."""


@dataclass(frozen=True)
class _School:
    site: Site
    building: Building
    room: Room
    switch: Device
    access_point: Device
    printer: Device


def _person(name: str, role: Role | None = None, scope_id: int = 0) -> User:
    user = User.objects.create_user(f"{name.lower()}@musterstadt.example", name=name)
    if role is not None:
        people.grant(user=user, role=role, scope_id=scope_id)
    return user


def _types() -> dict[str, DeviceType]:
    kinds = DeviceType.Kind
    return {
        "switch": devices.ensure_type(manufacturer="Muster", model="S24P", kind=kinds.SWITCH, platform="lab-switch"),
        "access point": devices.ensure_type(manufacturer="Muster", model="W6", kind=kinds.ACCESS_POINT, platform="openwrt"),
        "printer": devices.ensure_type(manufacturer="Muster", model="P2", kind=kinds.PRINTER),
    }


def _school(authority: Authority, letter: str, subnet: int, credentials: tuple[Credential, Credential]) -> _School:
    details = sites.SiteDetails(Site.Kind.SCHOOL, f"Schule {letter}", f"schule-{letter.lower()}", city="Musterstadt")
    site = sites.create_site(authority=authority, details=details)
    sites.set_bell(site=site, lessons=[sites.Lesson(1, time(8), time(8, 45)), sites.Lesson(2, time(8, 50), time(9, 35))])
    devices.create_prefix(site=site, cidr=f"127.20.{subnet}.0/24", purpose=Prefix.Purpose.MANAGEMENT)
    building = sites.create_building(site=site, name="Haupthaus")
    room = sites.create_room(building=building, details=sites.RoomDetails("204", "Physik", floor=2))
    types, made = _types(), {}
    for number, (name, kind) in enumerate([("SW-1", "switch"), ("AP-204", "access point"), ("DR-204", "printer")], start=1):
        made[kind] = devices.create_device(
            site=site,
            details=devices.DeviceDetails(
                types[kind],
                f"{name}-{letter}",
                room=room,
                serial=f"{letter}{number:04}",
                address=f"127.20.{subnet}.{number}",
                snmp_credential=credentials[0],
                ssh_credential=None if kind == "printer" else credentials[1],
            ),
        )
        monitoring.watch(device=made[kind])
    port = devices.add_interface(device=made["switch"], details=devices.InterfaceDetails("port1", 1, poe=True))
    devices.connect(device=made["access point"], port=port)
    return _School(site, building, room, made["switch"], made["access point"], made["printer"])


def let_changes_happen_at_any_time(authority: Authority) -> None:
    """So that no test depends on the hour at which it runs; tests of the policy itself take this back."""
    for risk in ("low", "medium", "high"):
        PolicyRule.objects.create(authority=authority, risk=risk, times="any", exam_margin_days=0)


def make_city() -> City:
    authority = sites.create_authority(name="Stadt Musterstadt")
    kinds = Credential.Kind
    snmp = devices.create_credential(
        authority=authority, name="SNMP", kind=kinds.SNMP_V2C, secret={"community": "planted-community"}
    )
    ssh = devices.create_credential(
        authority=authority, name="SSH", kind=kinds.SSH_PASSWORD, secret={"username": "root", "password": "planted-password"}
    )
    let_changes_happen_at_any_time(authority)
    a = _school(authority, "A", 1, (snmp, ssh))
    b = _school(authority, "B", 2, (snmp, ssh))
    technician = _person("Theo", Role.TECHNICIAN, a.site.pk)
    people.grant(user=technician, role=Role.TECHNICIAN, scope_id=b.site.pk)
    return City(
        authority=authority,
        school_a=a.site,
        school_b=b.site,
        building_a=a.building,
        building_b=b.building,
        room_a=a.room,
        room_b=b.room,
        switch_a=a.switch,
        access_point_a=a.access_point,
        printer_a=a.printer,
        switch_b=b.switch,
        access_point_b=b.access_point,
        snmp=snmp,
        ssh=ssh,
        coordinator_a=_person("Alma", Role.COORDINATOR, a.site.pk),
        coordinator_b=_person("Bruno", Role.COORDINATOR, b.site.pk),
        technician=technician,
        administrator=_person("Ada", Role.ADMINISTRATOR, authority.pk),
        approver=_person("Franka", Role.APPROVER, authority.pk),
        auditor=_person("Rita", Role.AUDITOR, authority.pk),
        security=_person("Sven", Role.SECURITY, authority.pk),
        stranger=_person("Nora"),
    )


_city = Remembered(make_city)


@pytest.fixture
def city(db: None) -> City:
    return _city()


def scope_of(device: Device) -> dict[str, int]:
    """Whose a row about `device` is, as the columns of a scoped row take it."""
    return {"authority_id": device.authority_id, "site_id": device.site_id}


@pytest.fixture
def port_a(city: City) -> Interface:
    """The port of school A's switch on which its access point hangs."""
    return city.switch_a.interfaces.get()


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    """Rate limits count in the cache: no test inherits the attempts of another. (Clearing would empty a shared Redis.)"""
    caches["default"].key_prefix = uuid.uuid4().hex


@pytest.fixture(autouse=True)
def _no_history_known() -> None:
    """Each test has an empty database; the process would remember what it wrote in the one before."""
    history.forget()
    pulse.forget()


def login(client: Client, user: User) -> Client:
    """`client`, with `user` logged in."""
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def bearer(user: User, reach: ApiToken.Reach = ApiToken.Reach.WRITE) -> dict[str, str]:
    """Headers for a call of the API: `client.get(url, headers=bearer(user))`."""
    _row, clear = people.issue_token(user=user, name="test", reach=reach, valid_for=timedelta(hours=1))
    return {"Authorization": f"Bearer {clear.reveal()}"}


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    """What a process remembers of limits and kinds belongs to rows that the test before took back."""
    limits.forget()
    thresholds.forget_kinds()
