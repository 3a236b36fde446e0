"""Maintenance as people plan it, see it and end it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.events.models import Event
from fleet.monitoring.models import Health, MaintenanceWindow
from fleet.monitoring.services import maintenance as services
from fleet.monitoring.services.maintenance import Planned
from tests.conftest import City, bearer

HOUR = timedelta(hours=1)


def clock(instant: datetime) -> str:
    return timezone.localtime(instant).strftime("%Y-%m-%dT%H:%M")


def form(city: City, **changes: Any) -> dict[str, Any]:
    begins = timezone.now().replace(second=0, microsecond=0)
    said = {
        "school": city.school_a.name,
        "covers": "site",
        "kind": "",
        "starts_at": clock(begins),
        "ends_at": clock(begins + 2 * HOUR),
        "repeats": "never",
        "repeats_until": "",
        "reason": "Umbau im Serverraum",
    }
    return said | changes


def planned(city: City, **changes: Any) -> MaintenanceWindow:
    now = timezone.now()
    values: dict[str, Any] = {"covers": "site", "starts_at": now - HOUR, "ends_at": now + HOUR, "reason": "Umbau"}
    plan = Planned(site=city.school_a, **values | changes)
    return services.plan(authority_id=city.authority.pk, planned=plan, by=city.technician)


class TestPlanning:
    def test_first_what_it_would_cover_then_it_is_planned(self, theo: Client, city: City) -> None:
        page = theo.post("/maintenance/new/", form(city)).content.decode()
        assert "Betrifft 3 Geräte" in page
        assert "Haupthaus, 204 Physik" in page
        assert not MaintenanceWindow.objects.exists()

        theo.post("/maintenance/new/", form(city, confirmed="1"))
        window = MaintenanceWindow.objects.get()
        assert (window.site, window.made_by, window.over_at) == (city.school_a, city.technician, window.ends_at)
        assert Event.objects.filter(name="maintenance.planned", subject_id=window.pk).exists()

    def test_devices_are_found_wherever_they_stand_and_chosen(self, theo: Client, alma: Client, city: City) -> None:
        page = theo.get("/maintenance/new/", {"q": "ap-204"}).content.decode()
        assert "AP-204-A" in page
        assert "AP-204-B" in page
        chosen = theo.get("/maintenance/new/", {"device": city.access_point_b.pk}).context["form"].initial
        assert (chosen["school"], chosen["devices"]) == (city.school_b.name, [city.access_point_b.pk])
        several = theo.get("/maintenance/new/", {"device": [city.access_point_a.pk, city.access_point_b.pk]})
        assert "für jeden Standort eine eigene Wartung" in several.content.decode()
        assert "So heißt kein Gerät" in theo.get("/maintenance/new/", {"q": "{{ nichts }}"}).content.decode()
        assert alma.get("/maintenance/new/", {"q": "ap"}).status_code == 404

    def test_a_wrong_form_is_answered_as_one(self, theo: Client, city: City) -> None:
        assert theo.post("/maintenance/new/", form(city, reason="")).status_code == 422

    def test_devices_are_offered_once_the_site_is_known(self, theo: Client, city: City) -> None:
        page = theo.post("/maintenance/new/", form(city, covers="devices")).content.decode()
        assert "Wählen Sie die Geräte aus." in page
        assert "SW-1-A" in page
        assert "SW-1-B" not in page

        said = form(city, covers="devices", devices=[city.switch_a.pk])
        assert "Betrifft 2 Geräte" in theo.post("/maintenance/new/", said).content.decode()
        theo.post("/maintenance/new/", said | {"confirmed": "1"})
        assert [device.name for device in MaintenanceWindow.objects.get().devices.all()] == ["SW-1-A"]

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"ends_at": "2020-01-01T00:00"}, "Die Wartung endet, bevor sie beginnt."),
            ({"ends_at": "2040-01-01T00:00"}, "höchstens 31 Tage"),
            ({"covers": "kind"}, "Wählen Sie eine Geräteart aus."),
            ({"repeats": "weekly", "repeats_until": "2020-01-01"}, "Der letzte Tag liegt vor dem ersten."),
            ({"school": ""}, "Bitte nennen Sie die Schule."),
            ({"school": "Gymnasium"}, "So heißt keine Schule."),
            ({"school": "Schule"}, "Schule A, Schule B"),
            ({"reason": ""}, "Bitte"),
        ],
    )
    def test_what_makes_no_sense_is_explained(self, theo: Client, city: City, changes: dict[str, str], said: str) -> None:
        page = theo.post("/maintenance/new/", form(city, confirmed="1", **changes)).content.decode()

        assert said in page
        assert not MaintenanceWindow.objects.exists()

    def test_everywhere_only_a_kind_and_only_by_whoever_may_there(self, ada: Client, city: City) -> None:
        everywhere = {"school": "", "everywhere": str(city.authority.pk)}
        page = ada.post("/maintenance/new/", form(city, confirmed="1", **everywhere)).content.decode()
        assert "nur eine Geräteart" in page

        ada.post("/maintenance/new/", form(city, covers="kind", kind="printer", confirmed="1", **everywhere))
        assert MaintenanceWindow.objects.get().site is None

    def test_a_school_plans_nothing(self, alma: Client) -> None:
        assert alma.get("/maintenance/new/").status_code == 404
        assert alma.get("/maintenance/").status_code == 404

    def test_sent_twice_it_is_one(self, theo: Client, city: City) -> None:
        said = form(city, confirmed="1")
        theo.post("/maintenance/new/", said)
        theo.post("/maintenance/new/", said)

        assert MaintenanceWindow.objects.count() == 1


class TestEnding:
    def test_what_is_going_on_ends_now(self, theo: Client, city: City) -> None:
        window = planned(city)
        assert "Jetzt beenden" in theo.get(f"/maintenance/{window.pk}/").content.decode()

        theo.post(f"/maintenance/{window.pk}/end/")
        assert services.covered(device_ids=[city.switch_a.pk], at=timezone.now()) == set()
        assert "Jetzt beenden" not in theo.get(f"/maintenance/{window.pk}/").content.decode()
        assert "inzwischen geändert" in theo.post(f"/maintenance/{window.pk}/end/", follow=True).content.decode()

    def test_a_repeating_one_comes_again_until_it_is_stopped(self, theo: Client, city: City) -> None:
        window = planned(city, repeats="daily")
        tomorrow = timezone.now() + timedelta(days=1)
        theo.post(f"/maintenance/{window.pk}/end/")
        assert services.covered(device_ids=[city.switch_a.pk], at=timezone.now()) == set()
        assert services.covered(device_ids=[city.switch_a.pk], at=tomorrow) == {city.switch_a.pk}

        theo.post(f"/maintenance/{window.pk}/stop/")
        assert services.covered(device_ids=[city.switch_a.pk], at=tomorrow) == set()

    def test_what_has_not_begun_is_taken_back(self, theo: Client, city: City) -> None:
        now = timezone.now()
        coming, going = planned(city, starts_at=now + HOUR, ends_at=now + 2 * HOUR), planned(city)

        theo.post(f"/maintenance/{coming.pk}/take-back/")
        theo.post(f"/maintenance/{going.pk}/take-back/")

        assert list(MaintenanceWindow.objects.all()) == [going]


class TestSeeing:
    def test_the_list_says_what_goes_on_comes_and_was(
        self, theo: Client, city: City, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        now = timezone.now()
        for number in range(20):
            planned(city, reason=f"Jetzt {number}")
            planned(city, reason=f"Bald {number}", starts_at=now + HOUR, ends_at=now + 2 * HOUR)
            planned(city, reason=f"Einst {number}", starts_at=now - 3 * HOUR, ends_at=now - 2 * HOUR)

        with django_assert_max_num_queries(8):
            page = theo.get("/maintenance/").content.decode()

        assert page.index("Jetzt 3") < page.index("Bald 3") < page.index("Einst 3")

    def test_devices_rooms_and_sites_say_maintenance(self, theo: Client, alma: Client, city: City) -> None:
        Health.objects.update(status="up")
        Health.objects.filter(device=city.access_point_a).update(status="down")
        window = planned(city, covers="devices", device_ids=[city.switch_a.pk])

        for address in (f"/devices/{city.access_point_a.pk}/", f"/sites/{city.school_a.pk}/", "/devices/", "/sites/"):
            assert "pill-maintenance" in theo.get(address).content.decode(), address
        assert "pill-down" not in theo.get(f"/sites/{city.school_a.pk}/").content.decode()
        assert "In Arbeit" in alma.get("/").content.decode() or "pill-maintenance" in alma.get("/").content.decode()
        assert f'/maintenance/{window.pk}/">Umbau</a>' in theo.get(f"/devices/{city.access_point_a.pk}/").content.decode()
        assert "AP-204-A" in theo.get("/devices/?state=maintenance").content.decode()
        assert "AP-204-A" not in theo.get("/devices/?state=down").content.decode()

        services.end_early(window=window, at=timezone.now(), by=None)
        assert "pill-maintenance" not in theo.get(f"/sites/{city.school_a.pk}/").content.decode()


class TestApi:
    def test_plan_read_end_and_take_back(self, client: Client, city: City) -> None:
        theo, alma = bearer(city.technician), bearer(city.coordinator_a)
        now = timezone.now()
        body = {
            "covers": "devices",
            "site_id": city.school_a.pk,
            "device_ids": [city.switch_a.pk],
            "starts_at": (now - HOUR).isoformat(),
            "ends_at": (now + HOUR).isoformat(),
            "reason": "Umbau",
        }

        def post(rest: str, said: Any, headers: dict[str, str]) -> Any:
            return client.post(f"/api/v1/maintenance/{rest}", said, content_type="application/json", headers=headers)

        assert post("", body, alma).status_code == 422
        assert post("", body | {"site_id": city.school_b.pk}, theo).status_code == 422
        assert post("", body | {"covers": "kind"}, theo).status_code == 422
        made = post("", body, theo)
        assert made.status_code == 201
        assert made.json()["active"] is True
        assert post("", body, theo).json()["id"] == made.json()["id"]
        one = f"{made.json()['id']}"
        assert client.get("/api/v1/maintenance/?over=false", headers=alma).json()["results"][0]["reason"] == "Umbau"
        assert client.delete(f"/api/v1/maintenance/{one}", headers=theo).status_code == 409
        assert post(f"{one}/end", {}, alma).status_code == 404
        assert post(f"{one}/end", {}, theo).json()["active"] is False
        assert post(f"{one}/end", {}, theo).status_code == 409
        assert client.get("/api/v1/maintenance/?over=false", headers=alma).json()["results"] == []
        coming = body | {"starts_at": (now + HOUR).isoformat(), "ends_at": (now + 2 * HOUR).isoformat()}
        later = post("", coming, theo).json()["id"]
        assert client.delete(f"/api/v1/maintenance/{later}", headers=theo).status_code == 204
