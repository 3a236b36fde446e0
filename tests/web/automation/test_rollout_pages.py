"""A rollout on the page: lanes, devices, what may be done, and two thousand devices without a slow page."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from fleet.automation.models import Change, HostResult, LogLine, Ring, Run, Target
from fleet.devices.models import Device
from tests.conftest import City
from tests.web.automation.conftest import add_run, make_change

MANY = 2_000
BUDGET = 45


def rollout(city: City, states: dict[str, int], **other: Any) -> Change:
    """Devices of both schools in three rings."""
    change = make_change(city.access_point_a, city.coordinator_a, "running", **other)
    Change.objects.filter(pk=change.pk).update(site=None)
    change.targets.all().delete()
    rings = [Ring.objects.create(change=change, number=n, title=t) for n, t in ((1, "pilot"), (2, "site"), (3, "rest"))]
    wanted = [state for state, count in states.items() for _ in range(count)]
    devices = _devices(city, len(wanted))
    Target.objects.bulk_create(
        Target(change=change, device=device, ring=rings[min(n, 2)], step=1 + n // 100, state=state)
        for n, (device, state) in enumerate(zip(devices, wanted, strict=True))
    )
    run = Run.objects.create(change=change, kind="apply", ring=rings[0], state="running", started_at=timezone.now())
    HostResult.objects.bulk_create(HostResult(run=run, device=device, state="changed") for device in devices)
    lines = (
        LogLine(run=run, sequence=n, event="runner_on_ok", device=one, host=one.name, text=f"at {one.name}")
        for n, one in enumerate(devices)
    )
    LogLine.objects.bulk_create(lines)
    change.refresh_from_db()
    return change


def _devices(city: City, count: int) -> list[Device]:
    taken = Device.objects.filter(name__startswith="AP ").count()
    first, second = city.access_point_a, city.access_point_b
    made = [
        Device(
            name=f"AP {taken + n:04d}",
            type=first.type,
            kind=first.kind,
            site_id=(first, second)[n % 2].site_id,
            authority_id=first.authority_id,
        )
        for n in range(count)
    ]
    return Device.objects.bulk_create(made)


def get(client: Client, name: str, change: Change, **query: Any) -> str:
    answer = client.get(reverse(f"automation:{name}", args=[change.pk]), query)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def many(city: City) -> Change:
    return rollout(city, {"confirmed": MANY // 2, "failed": 3, "pending-offline": 2, "waiting": MANY // 2 - 5})


def test_two_thousand_devices_make_no_slow_page(
    ada: Client, many: Change, city: City, django_assert_max_num_queries: Any
) -> None:
    for name in ("change", "progress", "hosts"):
        with django_assert_max_num_queries(BUDGET) as asked:
            text = get(ada, name, many)
        assert len(text) < 250_000, name
        few = len(asked.captured_queries)
        small = rollout(city, {"confirmed": 2, "failed": 1, "waiting": 12}) if name == "hosts" else None
        if small:
            with django_assert_max_num_queries(few):
                get(ada, name, small)
    with django_assert_max_num_queries(15):
        ada.get(reverse("automation:changes"))


def test_lanes_name_what_became_of_each_device_and_why_it_halted(ada: Client, city: City) -> None:
    change = rollout(city, {"refuted": 1, "waiting": 3})
    Change.objects.filter(pk=change.pk).update(state="halted")
    details = {"bad": 1, "total": 1, "threshold": 0}
    change.rings.filter(number=1).update(state="halted", reason="canary", details=details)

    text = get(ada, "change", change)

    assert 'aria-label="AP 0000: Widerlegt"' in text
    assert "1 von 1 Geräten des ersten Rings" in text
    assert reverse("automation:roll-back", args=[change.pk]) in text


def test_the_progress_is_silent_while_nothing_changes(ada: Client, city: City) -> None:
    change = rollout(city, {"confirmed": 1, "waiting": 3})
    url = reverse("automation:progress", args=[change.pk])
    mark = get(ada, "progress", change, here="running").split("mark=")[1][:16]

    assert ada.get(url, {"here": "running", "mark": mark}).status_code == 204
    change.targets.filter(state="waiting").update(state="failed")
    assert ada.get(url, {"here": "running", "mark": mark}).status_code == 200


def test_a_school_sees_only_its_own_devices_in_it(alma: Client, ada: Client, city: City) -> None:
    change = rollout(city, {"confirmed": 2, "waiting": 2})
    own, other = "AP 0000", "AP 0001"

    for name in ("change", "hosts"):
        text = get(alma, name, change)
        assert own in text
        assert other not in text
        assert other in get(ada, name, change)


def test_the_devices_are_found_by_state_and_ring(ada: Client, many: Change) -> None:
    text = get(ada, "hosts", many, state="failed")

    assert text.count("<tr>") == 1 + 3
    assert "1 bis 50 von" in get(ada, "hosts", many)
    assert get(ada, "hosts", many, ring="1").count("<tr>") == 1 + 1


def test_pausing_going_on_and_rolling_back(ada: Client, alma: Client, city: City) -> None:
    change = rollout(city, {"confirmed": 1, "waiting": 3})
    change.runs.filter(kind="apply").update(state="succeeded", finished_at=timezone.now())
    for client, status in ((alma, 404), (ada, 302)):
        assert client.post(reverse("automation:pause", args=[change.pk])).status_code == status
    change.refresh_from_db()
    assert change.state == "paused"

    assert "Zurücknehmen?" in get(ada, "roll-back", change)
    ada.post(reverse("automation:roll-back", args=[change.pk]))

    change.refresh_from_db()
    assert change.state == "rolling-back"
    assert change.runs.filter(kind="revert", state="queued").exists()


def test_the_question_names_later_changes_and_who_has_to_agree(ada: Client, city: City) -> None:
    change = make_change(city.access_point_a, city.coordinator_a, "confirmed")
    add_run(change, city.access_point_a)
    later = make_change(city.access_point_a, city.coordinator_a, "confirmed")
    add_run(later, city.access_point_a)

    text = get(ada, "roll-back", change)

    assert reverse("automation:change", args=[later.pk]) in text
    assert "Spätere Änderungen" in text
    assert "noch eine andere Person zustimmen" in text
    said = ada.post(reverse("automation:roll-back", args=[change.pk]), follow=True).content.decode()
    assert "Jetzt müssen andere zustimmen" in said
    change.refresh_from_db()
    assert change.state == "confirmed"


class TestOrdering:
    @pytest.mark.parametrize(
        ("playbook", "says"),
        [
            ("ssid", ""),
            ("radio-plan", "Was andere seitdem daran geändert haben, ginge mit verloren."),
            ("ap-restart", "ihr Playbook sagt nicht, wie sie zurückgenommen wird"),
        ],
    )
    def test_what_has_no_end_says_why(self, ada: Client, theo: Client, city: City, playbook: str, says: str) -> None:
        said = {"device": city.access_point_a.pk, "playbook": playbook, "act": "next"}
        ordering = ada.post(reverse("automation:new"), said).content.decode()
        standing = theo.get(reverse("automation:schedule-new"), {"playbook": playbook}).content.decode()
        detail = theo.get(reverse("automation:playbook", args=[playbook])).content.decode()

        for page in (ordering, standing):
            assert ('name="ends_at"' in page or 'name="lasts_minutes"' in page) is not bool(says)
            assert ("Diese Änderung hat kein Ende" in page) is bool(says)
        for page in (ordering, standing, detail):
            assert says in page

    def test_from_marked_devices_to_rings_to_a_change(self, ada: Client, city: City) -> None:
        device = city.access_point_a
        said = {"device": device.pk, "playbook": "ssid", "act": "next"}
        assert "argument-ssid" in ada.post(reverse("automation:new"), said).content.decode()

        filled = said | {"argument-ssid": "Neu {{ 7*7 }}", "argument-psk": "lang-genug-1", "argument-state": "present"}
        seen = ada.post(reverse("automation:new"), filled | {"act": "rings", "offline_h": 5}).content.decode()
        assert "Neu {{ 7*7 }}" in seen
        assert device.name in seen

        answer = ada.post(reverse("automation:new"), filled | {"act": "order", "offline_h": 5, "rings": "none"})
        made = Change.objects.get()
        assert (answer.status_code, answer["Location"]) == (302, reverse("automation:change", args=[made.pk]))
        assert (made.arguments["ssid"], made.rings.get().title, made.targets.get().device) == (
            "Neu {{ 7*7 }}",
            "all",
            device,
        )
        assert made.strategy["offline_until"]

    def test_a_coordinator_orders_services_not_playbooks(self, alma: Client) -> None:
        assert alma.get(reverse("automation:new")).status_code == 404

    def test_by_a_filter(self, ada: Client) -> None:
        assert ada.get(reverse("automation:new")).status_code == 200
        assert ada.get(reverse("automation:new"), {"choose": 1, "kind": "access-point"}).status_code == 200


class TestApi:
    def test_a_filter_without_a_device_is_nothing_to_do(self, ada: Client) -> None:
        body = {"playbook": "ssid", "arguments": {"ssid": "X", "psk": "lang-genug-1"}, "filter": {"platform": "none"}}

        answer = ada.post("/api/v1/changes/", body, content_type="application/json")

        assert (answer.status_code, answer.json().get("state")) == (201, "nothing-to-do"), answer.content

    def test_a_strategy_that_cannot_be_meant_is_named(self, ada: Client, city: City) -> None:
        body = {"playbook": "ssid", "device_ids": [city.access_point_a.pk], "strategy": {"rings": ["moon"]}}

        answer = ada.post("/api/v1/changes/", body, content_type="application/json")

        assert answer.status_code == 422
        assert "strategy.rings" in answer.content.decode()

    def test_rings_and_steering(self, ada: Client, alma: Client, city: City) -> None:
        change = rollout(city, {"confirmed": 1, "failed": 1, "waiting": 3})
        change.runs.filter(kind="apply").update(state="succeeded", finished_at=timezone.now())

        rings = ada.get(f"/api/v1/changes/{change.pk}/rings").json()
        assert [ring["devices"] for ring in rings] == [{"confirmed": 1}, {"failed": 1}, {"waiting": 3}]
        assert ada.post(f"/api/v1/changes/{change.pk}/pause").json()["state"] == "paused"
        assert ada.post(f"/api/v1/changes/{change.pk}/pause").status_code == 409
        assert alma.post(f"/api/v1/changes/{change.pk}/resume").status_code == 404
        assert len(alma.get(f"/api/v1/changes/{change.pk}/devices").json()["results"]) == 3
