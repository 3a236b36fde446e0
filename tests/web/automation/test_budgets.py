"""Every page and list of automation costs the same number of queries for many rows as for few."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from fleet.automation.models import (
    Backup,
    Baseline,
    Change,
    ChangeWindow,
    CredentialUse,
    Delegation,
    Drift,
    Freeze,
    RemedyAct,
    RemedyPolicy,
    RemedySignature,
    Rotation,
    RotationStep,
    Schedule,
    SiteCheck,
    Target,
    Zone,
)
from fleet.automation.services import backups
from fleet.automation.services.backups import Why
from fleet.devices import services as devices
from fleet.devices.models import Credential, Device
from fleet.monitoring.models import Alert
from fleet.people.models import User
from fleet.sites import services as sites
from fleet.sites.models import Site
from tests.conftest import City, bearer
from tests.web.automation.conftest import add_run, decided, make_change

FEW, MANY = 3, 20
PAGES = {
    "changes": 14,
    "approvals": 14,
    "schedules": 12,
    "remedies": 18,
    "policy": 26,
    "leave": 14,
    "drift": 12,
    "checks": 12,
    "compliance": 14,
    "intent": 16,
    "backups": 12,
    "credential-uses": 16,
    "playbooks": 12,
    "sources": 12,
}
OF_A_DEVICE = {"audit": 16, "audit-csv": 14, "device-backups": 16, "what-if": 24}
LISTS = {
    "changes": 9,
    "policy/freezes": 7,
    "policy/windows": 7,
    "policy/delegations": 7,
    "remedies": 8,
    "remedies/acts": 7,
    "schedules": 7,
    "backups": 7,
    "drift": 7,
    "drift/checks": 7,
    "compliance": 7,
    "credential-uses": 8,
    "rotations": 8,
    "playbook-sources": 7,
}


class Filling:
    """Rows of every kind, some more each time."""

    def __init__(self, city: City) -> None:
        self.city, self.number = city, 0

    def more(self, count: int) -> None:
        for _ in range(count):
            self.number += 1
            self._one(self.number)

    def _one(self, number: int) -> None:
        city, now = self.city, timezone.now()
        site = sites.create_site(
            authority=city.authority, details=sites.SiteDetails(Site.Kind.SCHOOL, f"Schule {number}", f"schule-{number}")
        )
        details = devices.DeviceDetails(city.access_point_a.type, f"AP-{number}", serial=f"N{number}")
        device = devices.create_device(site=site, details=details)
        here = {"authority": city.authority, "site": site}
        person = User.objects.create_user(f"p{number}@musterstadt.example", name=f"Person {number}")
        self._changes(city, device, person, number)
        self._condition(city, device, here, number)
        Freeze.objects.create(**here, starts_at=now, ends_at=now + timedelta(days=1), reason="Umbau", made_by=person)
        ChangeWindow.objects.create(**here, starts_at=now, ends_at=now + timedelta(hours=1), reason="Abend", made_by=person)
        Delegation.objects.create(
            person=city.approver, deputy=person, made_by=person,
            starts_at=now + timedelta(days=number), ends_at=now + timedelta(days=number, hours=1),
        )  # fmt: skip
        self._credentials(city, device, site, person, number)

    def _changes(self, city: City, device: Device, person: User, number: int) -> None:
        now = timezone.now()
        change = make_change(device, person)
        decided(change, city.approver)
        add_run(make_change(city.access_point_a, person, "confirmed"), city.access_point_a)
        here = {"authority_id": device.authority_id, "site_id": device.site_id}
        Schedule.objects.create(
            **here, name=f"S{number}", owner=person, playbook="ap-restart", rule="FREQ=DAILY", starts_at=now,
            next_at=now + timedelta(days=1), last_change=change, secret_arguments={"psk": "x"},
        )  # fmt: skip
        policy = RemedyPolicy.objects.create(**here, remedy="power-cycle-access-point", enabled=True, set_by=person)
        RemedySignature.objects.create(policy=policy, signer=city.approver, digest="0" * 64)
        alert = Alert.objects.create(**here, device=device, kind="unreachable", severity="critical", opened_at=now)
        RemedyAct.objects.create(
            **here, remedy="power-cycle-access-point", alert=alert, device=device, change=change, state="ordered"
        )

    def _condition(self, city: City, device: Device, here: dict[str, object], number: int) -> None:
        backups.store(device=device, text=f"config system\n\toption log_ip '192.0.2.{number}'\n", why=Why())
        backups.store(device=city.access_point_a, text=f"config system\n\toption log_ip '192.0.2.{number}'\n", why=Why())
        Drift.objects.create(**here, device=device, key="banner", diff="-a\n+b")
        SiteCheck.objects.create(**here, night="2026-11-26", devices=1, unanswered={str(device.pk): "no"})
        Zone.objects.create(authority=city.authority, name=f"Zone {number}", networks=[f"10.{number}.0.0/16"])
        Baseline.objects.create(
            **here, level="site", place=f"site:{device.site_id}", key="wifis", changed_by=city.administrator,
            secret_value={"value": [{"ssid": "S", "encryption": "sae", "network": "lan", "psk": "geheim-und-lang"}]},
        )  # fmt: skip

    def _credentials(self, city: City, device: Device, site: Site, person: User, number: int) -> None:
        ssh = devices.create_credential(
            authority=city.authority, name=f"SSH {number}", kind=Credential.Kind.SSH_PASSWORD,
            secret={"username": "root", "password": "x"},
        )  # fmt: skip
        CredentialUse.objects.create(authority=city.authority, credential=ssh, use="ssh", site=site)
        rotation = Rotation.objects.create(credential=ssh, started_by=person)
        RotationStep.objects.create(rotation=rotation, device=device, change=Change.objects.latest("pk"))


@pytest.fixture
def filling(city: City) -> Filling:
    return Filling(city)


def asked(client: Client, url: str, **more: object) -> int:
    """The fewest of three: what a process remembers for a second or so is not the page's."""
    return min(_asked(client, url, **more) for _ in range(3))


def _asked(client: Client, url: str, **more: object) -> int:
    with CaptureQueriesContext(connection) as found:
        answer = client.get(url, **more)
        if isinstance(getattr(answer, "streaming_content", None), Iterator):
            b"".join(answer.streaming_content)
    assert answer.status_code == 200, url
    return len(found)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_costs_the_same_for_many(ada: Client, filling: Filling, name: str) -> None:
    url = reverse(f"automation:{name}")
    filling.more(FEW)
    few = asked(ada, url)
    filling.more(MANY)

    assert asked(ada, url) <= few <= PAGES[name], name


def test_the_list_of_changes_reads_and_names_few_of_many_devices(ada: Client, city: City, filling: Filling) -> None:
    filling.more(MANY)
    change = make_change(city.access_point_a, city.technician)
    others = Device.objects.exclude(pk=city.access_point_a.pk).order_by("pk")
    Target.objects.bulk_create(Target(change=change, device=device) for device in others)

    page = ada.get(reverse("automation:changes"))

    row = page.context["rows"][0]
    assert row["change"] == change
    first, second, third, _one_more = row["change"].some
    names = ", ".join(target.device.name for target in (first, second, third))
    assert f">{names} …<" in page.content.decode()


@pytest.mark.parametrize("name", OF_A_DEVICE)
def test_a_page_of_a_device_costs_the_same_for_many(ada: Client, city: City, filling: Filling, name: str) -> None:
    url = reverse(f"automation:{name}", args=[city.access_point_a.pk])
    filling.more(FEW)
    few = asked(ada, url)
    filling.more(MANY)

    assert asked(ada, url) <= few <= OF_A_DEVICE[name], name


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_the_api_costs_the_same_for_many(city: City, filling: Filling, name: str) -> None:
    url, headers = f"/api/v1/{name}{'' if '/' in name else '/'}", bearer(city.administrator)
    filling.more(FEW)
    few = asked(Client(), url, headers=headers)
    filling.more(MANY)

    assert asked(Client(), url, headers=headers) <= few <= LISTS[name], name


def test_compliance_and_standing_orders_come_in_pages(ada: Client, city: City, filling: Filling) -> None:
    filling.more(MANY)
    Schedule.objects.bulk_create(
        Schedule(
            authority=city.authority, site=city.school_a, name=f"T{n:03}", owner=city.technician, playbook="ap-restart",
            rule="FREQ=DAILY", starts_at=timezone.now(),
        )
        for n in range(60)
    )  # fmt: skip

    orders = ada.get(reverse("automation:schedules"))
    assert (len(orders.context["rows"]), orders.context["page"].paginator.num_pages) == (50, 2)
    report = Client().get("/api/v1/compliance/?page_size=10", headers=bearer(city.administrator)).json()
    assert len(report["results"]) == 10
    assert report["next"]
    assert {"rule", "module", "verdict"} == set(report["results"][0]["verdicts"][0])
    assert Backup.objects.exists()
