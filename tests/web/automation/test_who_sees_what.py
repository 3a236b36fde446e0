"""Every page, panel, export and operation of automation, by people of one school: nothing of another one shows.

Each role is held at school A alone. The change of several schools touches both, and everything of it that can be told
of school B is there: devices, log, diffs, evidence, what it waits for, why it halted, who fell silent, what is taken back.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from fleet.automation.models import (
    BoxEnd,
    Change,
    Delegation,
    Freeze,
    HostResult,
    LogLine,
    Ring,
    Run,
    Schedule,
    Target,
)
from fleet.automation.services import delegating, outlook
from fleet.devices.models import Device
from fleet.monitoring.models import Outage
from fleet.people import services as people
from fleet.people.models import User
from fleet.people.rules import Role
from fleet.sites.models import ExamPeriod
from tests.conftest import City, bearer, login
from tests.web.addresses import Address, operations, pages
from tests.web.things import make_things

ROLES = (Role.COORDINATOR, Role.TECHNICIAN, Role.ADMINISTRATOR)
"""What the others may, one of these may too."""
API = ("/changes", "/policy", "/remedies", "/schedules", "/what-if", "/backups", "/drift", "/compliance", "/webhooks")
BAD, TOTAL = 4711_000_815, 4711_000_816
"""So long that no random token on a page has them in it."""
OTHERS = ("Schule B", "SW-1-B", "AP-204-B", "DR-204-B", "Geheim-B")
"""What only school B knows."""
SHARED = "AP-Flur"
"""A device that both schools have."""


def of_automation(address: Address) -> bool:
    route = address.route.removeprefix("/api/v1")
    return address.name.startswith(("automation:", "people:webhook", "web:panel")) or route.startswith(API)


PAGES = [one for one in pages() if of_automation(one)]
OPERATIONS = [one for one in operations() if of_automation(one) or "/audit" in one.route or "/what-if" in one.route]


@pytest.fixture
def both(city: City) -> Change:
    """A halted change of both schools, time-boxed."""
    now, authority = timezone.now(), city.authority
    change = Change.objects.create(
        authority=authority, playbook="ssid", playbook_digest="0" * 64, digest="2" * 64, risk="medium", approvals_needed=1,
        arguments={"ssid": "Klausur"}, state="halted", starts_at=now - timedelta(hours=1),
        ends_at=now + timedelta(days=1), box="pending", requested_by=city.administrator,
    )  # fmt: skip
    about = {"bad": BAD, "total": TOTAL, "threshold": 1}
    ring = Ring.objects.create(change=change, number=1, title="pilot", state="halted", reason="canary", details=about)
    twins = [_twin(one) for one in (city.access_point_a, city.access_point_b)]
    devices = [city.access_point_a, city.access_point_b, *twins]
    Target.objects.bulk_create(Target(change=change, device=one, ring=ring, state="failed") for one in devices)
    for kind, state in ((Run.Kind.PREVIEW, "succeeded"), (Run.Kind.APPLY, "failed"), (Run.Kind.REVERT, "queued")):
        _run(Run.objects.create(
            change=change, kind=kind, ring=None if kind == Run.Kind.PREVIEW else ring, state=state,
            started_at=now - timedelta(minutes=50), finished_at=now, error="AP-204-B did not answer",
            waits_for="#7 · AP-204-B",
        ), devices)  # fmt: skip
    BoxEnd.objects.create(change=change, device=city.access_point_b, state="failed")
    scope = {"authority_id": authority.pk, "site": city.school_b}
    Outage.objects.create(**scope, device=city.access_point_b, started_at=now - timedelta(minutes=40))
    ExamPeriod.objects.create(**scope, name="Geheim-B", starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1))
    Freeze.objects.create(**scope, reason="Geheim-B", starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1))
    outlook.keep(change=change)
    return change


def _twin(like: Device) -> Device:
    return Device.objects.create(
        name=SHARED, type=like.type, kind=like.kind, site=like.site, authority=like.authority, room=like.room
    )


def _run(run: Run, devices: list[Device]) -> None:
    for number, device in enumerate(devices):
        mark = "Geheim-B" if device.site.name == "Schule B" else "offen"
        evidence = {
            "device_id": device.pk, "device": device.name, "reading": "wireless.ssids", "holds": "contains",
            "wanted": mark, "before": mark, "after": mark, "verdict": "refuted", "measured_at": None,
        }  # fmt: skip
        diff = [{"before": "", "after": mark}]
        HostResult.objects.create(run=run, device=device, state="failed", message=mark, diff=diff, evidence=[evidence])
        LogLine.objects.create(
            run=run, sequence=number, event="runner_on_failed", device=device, host=device.name, text=f"line {mark}"
        )


def at_school_a(city: City, role: Role) -> User:
    person = User.objects.create_user(f"{role}@schule-a.example", name=f"Person {role}")
    people.grant(user=person, role=role, scope_id=city.school_a.pk)
    return person


def told(answer: Any) -> list[str]:
    text = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return [name for name in (*OTHERS, str(BAD), str(TOTAL)) if name in text.decode(errors="replace")]


def _of_a_change(address: Address) -> bool:
    return not {"change", "run"}.isdisjoint(address.parameters.values())


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.AUDITOR, Role.SECURITY])
def test_the_audit_of_a_device_has_what_several_schools_got(role: Role, city: City, both: Change) -> None:
    person, pk = at_school_a(city, role), city.access_point_a.pk
    client = login(Client(), person)

    said = Client().get(f"/api/v1/devices/{pk}/audit", headers=bearer(person))
    page = client.get(reverse("automation:audit", args=[pk]))
    sheet = client.get(reverse("automation:audit-csv", args=[pk]))

    assert [one["change_id"] for one in said.json()] == [both.pk]
    assert "ssid = Klausur" in page.content.decode()
    assert [*told(said), *told(page)] == []
    text = sheet.getvalue().decode()
    assert "ssid = Klausur" in text
    assert not [name for name in OTHERS if name in text]
    assert Client().get(f"/api/v1/devices/{city.access_point_b.pk}/audit", headers=bearer(person)).status_code == 404


@pytest.mark.parametrize("role", ROLES)
def test_no_role_at_one_school_reads_of_another(role: Role, city: City, both: Change) -> None:
    things = make_things(device=city.access_point_a, owner=city.coordinator_a)
    make_things(device=city.access_point_b, owner=city.coordinator_b)
    person = at_school_a(city, role)
    client, headers = login(Client(), person), bearer(person)
    leaks = {}

    of_both = replace(things, change=both, run=both.runs.filter(kind="apply").get())
    for address in [one for one in PAGES if one.method == "GET"]:
        leaks[str(address)] = told(client.get(address.url(things)))
        if _of_a_change(address):
            leaks[f"{address} of both"] = told(client.get(address.url(of_both)))
    for address in [one for one in OPERATIONS if one.method == "GET"]:
        for seen in [things, of_both] if _of_a_change(address) else [things]:
            leaks[f"{address} {seen.change}"] = told(Client().get(address.url(seen), headers=headers))

    assert not {where: names for where, names in leaks.items() if names}


@pytest.mark.parametrize("role", [Role.TECHNICIAN, Role.ADMINISTRATOR])
def test_no_role_at_one_school_reaches_what_another_has(role: Role, city: City) -> None:
    things = make_things(device=city.access_point_b, owner=city.coordinator_b)
    person = at_school_a(city, role)
    client, headers = login(Client(), person), bearer(person)
    reached: dict[str, int] = {}

    for address in [one for one in PAGES if one.names_something]:
        call = client.get if address.method == "GET" else client.post
        reached[str(address)] = call(address.url(things)).status_code
    for address in [one for one in OPERATIONS if one.names_something]:
        body = {} if address.body is None else address.body
        answer = Client().generic(
            address.method, address.url(things), _json(body), content_type="application/json", headers=headers
        )
        reached[str(address)] = answer.status_code

    assert not {where: status for where, status in reached.items() if status not in {403, 404, 405}}


def _json(body: Any) -> bytes:
    import json

    return json.dumps(body).encode()


def test_a_school_steers_no_change_of_several(city: City, both: Change) -> None:
    person = at_school_a(city, Role.ADMINISTRATOR)
    client, before = login(Client(), person), _as_it_is(both)

    for act in ("cancel", "pause", "resume", "retry-failed", "roll-back", "relaunch", "end-now", "check-and-retry"):
        assert client.post(reverse(f"automation:{act}", args=[both.pk])).status_code == 404, act
    client.post(reverse("automation:decide", args=[both.pk]), {"decision": "approve", "digest": both.digest})
    client.post(reverse("automation:ask-override", args=[both.pk]), {"reason": "x", "digest": both.digest})

    assert _as_it_is(both) == before


def _as_it_is(change: Change) -> tuple[Any, ...]:
    change.refresh_from_db()
    return change.state, change.box, change.ends_at, change.approvals.count(), change.overrides.count()


STANDING = {"name": "x", "playbook": "ap-restart", "rule": "FREQ=DAILY"}
BODIES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/changes/", {"playbook": "ap-restart", "device_ids": ["device_b"]}),
    ("/changes/", {"playbook": "ap-restart", "device_ids": ["device_a", "device_b"]}),
    ("/what-if", {"device_ids": ["device_a", "device_b"], "from": "tomorrow", "to": "later"}),
    ("/schedules/", {"site_id": "site_b", **STANDING, "kind": "access-point"}),
    ("/schedules/", {"site_id": "site_a", **STANDING, "device_ids": ["device_b"]}),
    ("/policy/freezes", {"site_id": "site_b", "reason": "x"}),
    ("/policy/freezes", {"authority_id": "authority", "reason": "x"}),
    ("/policy/windows", {"site_id": "site_b", "reason": "x"}),
    ("/policy/windows", {"authority_id": "authority", "reason": "x"}),
    ("/webhooks/", {"scope_id": "site_b", "name": "x", "url": "https://a.example/", "events": ["*"]}),
    ("/webhooks/", {"scope_id": "authority", "name": "x", "url": "https://a.example/", "events": ["*"]}),
    ("/playbook-sources/", {"name": "x", "url": "https://a.example/x.git"}),
    ("/policy/delegations", {"person_id": "bruno", "deputy_id": "self"}),
)  # fmt: skip
"""(operation, what names another school or the whole authority in its body)"""


@pytest.mark.parametrize(("route", "body"), BODIES)
def test_no_body_names_another_school(route: str, body: dict[str, Any], city: City) -> None:
    person, soon = at_school_a(city, Role.ADMINISTRATOR), timezone.now() + timedelta(days=1)
    names = {
        "device_a": city.access_point_a.pk, "device_b": city.access_point_b.pk, "site_a": city.school_a.pk,
        "site_b": city.school_b.pk, "authority": city.authority.pk, "bruno": city.coordinator_b.pk, "self": person.pk,
        "tomorrow": soon.isoformat(), "later": (soon + timedelta(hours=1)).isoformat(),
    }  # fmt: skip
    times = {"starts_at": names["tomorrow"], "ends_at": names["later"]}
    said = times | {name: _meant(value, names) for name, value in body.items()}

    answer = Client().post(f"/api/v1{route}", said, content_type="application/json", headers=bearer(person))

    assert answer.status_code in {403, 404, 422}, answer.content
    assert not Change.objects.exists()
    assert not Schedule.objects.exists()
    assert not Freeze.objects.exists()


def _meant(value: Any, names: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [names.get(one, one) for one in value]
    return names.get(value, value)


def test_nobody_hands_on_what_is_decided_where_they_have_no_say(city: City) -> None:
    now, person = timezone.now(), at_school_a(city, Role.ADMINISTRATOR)
    approver = at_school_a(city, Role.APPROVER)
    leave = delegating.Leave(approver, person, now, now + timedelta(days=1))
    people.grant(user=approver, role=Role.APPROVER, scope_id=city.school_b.pk)
    people.grant(user=person, role=Role.COORDINATOR, scope_id=city.school_b.pk)

    with pytest.raises(delegating.LeaveError, match="not-yours"):
        delegating.delegate(leave=replace(leave, person=fresh(approver), deputy=fresh(person)), by=fresh(person))

    assert not Delegation.objects.exists()


def fresh(person: User) -> User:
    return User.objects.get(pk=person.pk)
