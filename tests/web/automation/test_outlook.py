"""What if this is off: pages, API, forecast and outcome."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.automation.models import Change, Forecast, Run
from fleet.automation.services import outlook
from fleet.automation.views.outlook import of_change_panel
from fleet.devices.models import Device, Interface, Uplink
from fleet.events import services as events
from fleet.monitoring.models import Health, Outage
from tests.conftest import City, bearer
from tests.web.automation.conftest import add_run, make_change

MONDAY = datetime(2026, 11, 30, 8, 10, tzinfo=ZoneInfo("Europe/Berlin"))


def test_the_impact_of_a_switch_names_rooms_lessons_and_what_it_feeds(city: City) -> None:
    Health.objects.filter(device=city.access_point_a).update(reading={"wireless": {"clients": 23}})
    reading = {"poe": [{"ifIndex": 1, "status": "deliveringPower", "power_w": 6.5}]}
    Health.objects.filter(device=city.switch_a).update(reading=reading)

    found = outlook.impact([city.switch_a.pk], MONDAY, MONDAY + timedelta(minutes=10))

    assert [(one.name, one.why) for one in found.devices] == [("SW-1-A", "chosen"), ("AP-204-A", "power")]
    assert [(room.number, room.lessons) for room in found.rooms] == [("204", 1)]
    assert (found.lessons, found.clients) == (1, 23)
    assert (found.poe[0].fed, found.poe[0].needs_w, found.poe[0].suffices) == (("AP-204-A",), 6.5, None)
    assert outlook.impact([city.printer_a.pk], MONDAY, MONDAY + timedelta(minutes=10)).lessons == 0


def test_the_page_and_the_api_say_the_same_and_write_nothing(city: City, theo: Client) -> None:
    span = {"begins": "2026-11-30T08:10", "ends": "2026-11-30T08:20"}

    page = theo.get(reverse("automation:what-if", args=[city.switch_a.pk]), span).content.decode()
    asked = {"from": MONDAY.isoformat(), "to": (MONDAY + timedelta(minutes=10)).isoformat()}
    said = Client().get(f"/api/v1/devices/{city.switch_a.pk}/what-if", asked, headers=bearer(city.technician)).json()

    assert "1 Unterrichtsstunde" in page
    assert "AP-204-A" in page
    assert said["lessons"] == 1
    assert [room["number"] for room in said["rooms"]] == ["204"]
    assert not Forecast.objects.exists()


@pytest.mark.parametrize("span", [{"begins": "x", "ends": "y"}, {"begins": "2026-11-30T08:10", "ends": "2026-11-30T08:10"}])
def test_a_wrong_span_is_said(city: City, theo: Client, span: dict[str, str]) -> None:
    assert theo.get(reverse("automation:what-if", args=[city.switch_a.pk]), span).status_code == 422


def test_several_devices_by_the_api_and_another_schools_not(city: City) -> None:
    body = {"device_ids": [city.switch_a.pk], "from": "2026-11-30T07:10:00Z", "to": "2026-11-30T07:20:00Z"}
    ask = {"content_type": "application/json", "headers": bearer(city.coordinator_a)}

    assert Client().post("/api/v1/what-if", body, **ask).status_code == 422, "a coordinator sees no device details"
    ask["headers"] = bearer(city.technician)
    assert Client().post("/api/v1/what-if", body, **ask).json()["lessons"] == 1
    assert Client().post("/api/v1/what-if", body | {"to": body["from"]}, **ask).status_code == 422
    assert Client().post("/api/v1/what-if", body | {"device_ids": [10**9]}, **ask).status_code == 422


def test_many_devices_take_no_more_queries_than_one(
    city: City, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    kind, port = city.access_point_a.type, Interface.objects.get(device=city.switch_a)
    scope = {"authority": city.authority, "site": city.school_a, "type": kind, "kind": kind.kind, "room": city.room_a}
    made = Device.objects.bulk_create(Device(**scope, name=f"AP-{number}") for number in range(2000))
    Uplink.objects.bulk_create(Uplink(device=device, port=port) for device in made)

    with django_assert_max_num_queries(18):
        of_one = outlook.impact([city.switch_a.pk], MONDAY, MONDAY + timedelta(minutes=10))
    with django_assert_max_num_queries(18):
        of_all = outlook.impact([device.pk for device in made], MONDAY, MONDAY + timedelta(minutes=10))

    assert len(of_one.devices) == 2002
    assert len(of_all.devices) == 2000


def test_a_forecast_is_kept_and_compared_with_what_happened(city: City) -> None:
    change = make_change(city.access_point_a, city.coordinator_a, state="approved")
    outlook.keep(change=change)
    run = add_run(change, city.access_point_a)
    begun = MONDAY.astimezone(UTC)
    Run.objects.filter(pk=run.pk).update(started_at=begun, finished_at=begun + timedelta(minutes=12))
    Change.objects.filter(pk=change.pk).update(state="confirmed", state_since=begun + timedelta(minutes=12))
    scope = {"authority_id": city.authority.pk, "site": city.school_a}
    for device in (city.access_point_a, city.printer_a):
        Outage.objects.create(
            **scope, device=device, started_at=begun + timedelta(minutes=2), ended_at=begun + timedelta(minutes=6)
        )

    Outage.objects.create(**scope, device=city.switch_a, started_at=begun - timedelta(minutes=1))

    change.refresh_from_db()
    mine = [city.access_point_a.pk, city.switch_a.pk]
    found = outlook.outcome(change, mine, outlook.of_change(change), timezone.now() + timedelta(days=30))

    assert found is not None
    assert [(one.device, one.minutes, one.expected) for one in found.silent] == [("AP-204-A", 4.0, True)], "not whoever was"
    assert (found.lesson_minutes, found.rooms) == (4.0, ["204"])
    panel = of_change_panel(city.technician, change.pk)
    assert panel is not None
    assert panel["made_at"]
    assert panel["happened"]
    assert of_change_panel(city.stranger, change.pk) is None


def test_an_order_is_foreseen_by_the_outbox(city: City) -> None:
    from django.db import transaction

    change = make_change(city.access_point_a, city.coordinator_a)
    with transaction.atomic():
        events.emit(events.Fact("change.requested", change, city.authority.pk, city.school_a.pk))
    events.deliver()

    assert Forecast.objects.get(change=change).impact["devices"][0]["name"] == "AP-204-A"


def test_why_a_device_is_not_previewed(city: City) -> None:
    change = make_change(city.access_point_a, city.coordinator_a)
    assert outlook.preview_gaps(change, city.administrator) == []
    Health.objects.filter(device=city.access_point_a).update(status="down")
    assert [gap.why for gap in outlook.preview_gaps(change, city.administrator)] == ["offline"]
    Device.objects.filter(pk=city.access_point_a.pk).update(ssh_credential=None)
    assert [gap.why for gap in outlook.preview_gaps(change, city.administrator)] == ["no-login"]
    assert outlook.to_preview(change, 5) == [city.access_point_a.pk]
