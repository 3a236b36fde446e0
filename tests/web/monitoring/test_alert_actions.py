"""What people do with an alert, and with the limits that open it: on the pages and over the API."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from fleet.devices import services as devices
from fleet.devices.models import Device
from fleet.monitoring.models import Alert, Health, ThresholdOverride
from fleet.people.models import Grant, User
from tests.conftest import City, login
from tests.web.monitoring.test_pages import silence

API = "/api/v1"


@pytest.fixture
def alert(city: City) -> Alert:
    return silence(city.switch_a)


class TestPages:
    def test_put_off_it_leaves_the_list_and_can_be_called_back(self, theo: Client, alert: Alert) -> None:
        theo.post(reverse("monitoring:snooze", args=[alert.pk]), {"choice": "hour"})
        assert "SW-1-A" not in theo.get(reverse("monitoring:faults")).content.decode()
        assert "SW-1-A" in theo.get(reverse("monitoring:faults"), {"snoozed": ""}).content.decode()
        theo.post(reverse("monitoring:wake", args=[alert.pk]))
        assert "SW-1-A" in theo.get(reverse("monitoring:faults")).content.decode()
        assert list(alert.notes.values_list("act", flat=True)) == ["snoozed", "woken"]

    @pytest.mark.parametrize("days", [None, -1, 200])
    def test_a_day_that_makes_no_sense_is_said_and_what_was_chosen_is_kept(
        self, theo: Client, alert: Alert, days: int | None
    ) -> None:
        day = (timezone.localdate() + timedelta(days=days)).isoformat() if days else ""
        answer = theo.post(reverse("monitoring:snooze", args=[alert.pk]), {"choice": "date", "day": day})
        assert answer.status_code == 422
        assert answer.context["snooze"].errors["day"]
        alert.refresh_from_db()
        assert alert.snoozed_until is None

    def test_a_comment_stands_with_the_alert(self, theo: Client, alert: Alert) -> None:
        theo.post(reverse("monitoring:comment", args=[alert.pk]), {"body": "Elektriker ist im Haus."})
        page = theo.get(reverse("monitoring:alert", args=[alert.pk])).content.decode()
        assert "Elektriker ist im Haus." in page
        assert theo.post(reverse("monitoring:comment", args=[alert.pk]), {"body": " "}).status_code == 422

    def test_why_it_is_suppressed_names_the_way_up(self, theo: Client, city: City, alert: Alert) -> None:
        child = silence(city.access_point_a, cause=alert)
        answer = theo.get(reverse("monitoring:alert", args=[child.pk]))
        assert [device.name for device in answer.context["why"].path] == ["AP-204-A", "SW-1-A"]
        assert "AP-204-A hängt an SW-1-A; SW-1-A schweigt seit" in answer.content.decode()

    def test_what_the_person_may_not_see_is_not_named(self, theo: Client, city: City, alert: Alert) -> None:
        elsewhere = devices.add_interface(device=city.switch_b, details=devices.InterfaceDetails("p9", 9))
        devices.connect(device=city.switch_a, port=elsewhere)
        child = silence(city.access_point_a, cause=alert)
        Alert.objects.filter(pk=child.pk).update(suppressed_by=silence(city.switch_b))
        Grant.objects.filter(user=city.technician, scope_id=city.school_b.pk).delete()
        theo = login(theo, User.objects.get(pk=city.technician.pk))

        answer = theo.get(reverse("monitoring:alert", args=[child.pk]))
        assert [device and device.name for device in answer.context["why"].path] == ["AP-204-A", "SW-1-A", None]
        assert "SW-1-A hängt an etwas an einem anderen Ort" in answer.content.decode()
        device = theo.get(reverse("devices:detail", args=[city.switch_a.pk])).content.decode()
        assert "etwas an einem anderen Ort" in device
        said = theo.get(f"/api/v1/alerts/{child.pk}").json()
        assert said["path"] == [city.access_point_a.pk, city.switch_a.pk]
        assert theo.get(f"/api/v1/devices/{city.switch_a.pk}/cables").json()["uplinks"] == []
        for page in (answer.content.decode(), device, str(said)):
            assert "SW-1-B" not in page

    def test_what_comes_and_goes_and_answers_is_not_said_to_be_silent(self, theo: Client, city: City, alert: Alert) -> None:
        Health.objects.filter(pk=city.switch_a.pk).update(status="up", failures=0, failing_since=None)
        Alert.objects.filter(pk=alert.pk).update(flapping=True, quiet_since=timezone.now())
        pages = [reverse("monitoring:faults"), *(reverse(name, args=[pk]) for name, pk in (
            ("monitoring:alert", alert.pk), ("devices:detail", city.switch_a.pk), ("sites:detail", city.school_a.pk),
        ))]  # fmt: skip
        for address in pages:
            page = theo.get(address).content.decode()
            assert "ommt und geht, antwortet gerade" in page, address
            assert "antwortet nicht" not in page.partition("<main")[2].lower(), address
        assert theo.get(f"/api/v1/alerts/{alert.pk}").json()["what"] == "kommt und geht, antwortet gerade"

    def test_limits_are_of_what_such_a_device_measures(self, theo: Client, city: City) -> None:
        def names(device: Device) -> set[str]:
            return {row["name"] for row in theo.get(reverse("devices:limits", args=[device.pk])).context["rows"]}

        assert "supply_percent" in names(city.printer_a) - names(city.switch_a)
        assert "poe_power_w" in names(city.switch_a) - names(city.printer_a)
        assert not {"on_battery", "supply_percent"} & names(city.access_point_a)
        Device.objects.filter(pk=city.printer_a.pk).update(kind="ups")
        page = theo.get(reverse("devices:limits", args=[city.printer_a.pk])).content.decode()
        assert "beginnt ab" in page
        assert "oder weniger" in page

    def test_of_a_battery_what_counts_comes_first(self, theo: Client, city: City, alert: Alert) -> None:
        Device.objects.filter(pk=city.switch_a.pk).update(kind="ups")
        said = {
            "uptime_s": 5_000,
            "temperature_c": 20,
            "battery_charge_percent": 40,
            "on_battery": 1,
            "battery_runtime_s": 600,
        }
        Alert.objects.filter(pk=alert.pk).update(evidence_opened=alert.evidence_opened | {"last_values": said})
        (fault,) = theo.get(reverse("monitoring:faults")).context["faults"]
        assert [value for _label, value in fault["facts"]][:3] == ["ja", "40 %", "10 Minuten"]

    def test_a_limit_is_set_told_and_taken_back(self, theo: Client, city: City) -> None:
        address = reverse("devices:limits", args=[city.switch_a.pk])
        values = {"open": "80", "clear": "70", "hold_min": "5", "severity": "critical"}
        wish = {"metric": "temperature_c"} | {f"temperature_c-{name}": value for name, value in values.items()}
        theo.post(address, wish)
        row = ThresholdOverride.objects.get()
        assert (row.level, row.device, row.open, row.hold_s, row.changed_by) == (
            "device", city.switch_a, 80, 300, city.technician,
        )  # fmt: skip
        assert "für dieses Gerät eingestellt" in theo.get(address).content.decode()
        theo.post(address, {"metric": "temperature_c", "act": "default"})
        assert not ThresholdOverride.objects.exists()

    @pytest.mark.parametrize(
        ("values", "field"),
        [
            ({"open": "80", "clear": "80", "hold_min": "5", "severity": "warning"}, "clear"),
            ({"open": "80"}, "hold_min"),
            ({"open": "80", "clear": "90", "hold_min": "5", "severity": "warning"}, "clear"),
        ],
    )
    def test_a_limit_that_cannot_be_is_said_where_it_was_typed(
        self, theo: Client, city: City, values: dict[str, str], field: str
    ) -> None:
        wish = {"metric": "temperature_c"} | {f"temperature_c-{name}": value for name, value in values.items()}
        answer = theo.post(reverse("sites:limits", args=[city.school_a.pk]), wish)
        assert answer.status_code == 422
        row = next(row for row in answer.context["rows"] if row["name"] == "temperature_c")
        assert field in row["form"].errors
        assert 'value="80"' in answer.content.decode()

    def test_only_who_works_for_all_of_the_city_sets_limits_of_a_kind(self, theo: Client, ada: Client, city: City) -> None:
        address = reverse("monitoring:kind-limits", args=[city.authority.pk, "switch"])
        assert theo.get(address).status_code == 404
        assert ada.get(address).status_code == 200
        ada.post(address, {"metric": "temperature_c", "temperature_c-off": "on"})
        assert ThresholdOverride.objects.get().off


class TestApi:
    def test_alerts_are_chosen_by_what_they_are(self, theo: Client, city: City, alert: Alert) -> None:
        silence(city.switch_b)
        Alert.objects.filter(pk=alert.pk).update(snoozed_until=timezone.now() + timedelta(hours=1), severity="warning")
        for query, expected in (
            ("snoozed=true", [alert.pk]),
            ("severity=warning", [alert.pk]),
            (f"device={city.switch_a.pk}", [alert.pk]),
            ("kind=temperature_c", []),
            ("acknowledged=true", []),
            ("flapping=true", []),
        ):
            assert [one["id"] for one in theo.get(f"{API}/alerts/?{query}").json()["results"]] == expected, query

    def test_snooze_wake_and_comment(self, theo: Client, alert: Alert) -> None:
        path, json = f"{API}/alerts/{alert.pk}", "application/json"
        assert theo.post(f"{path}/snooze", {"choice": "school-day"}, content_type=json).json()["snoozed_until"]
        assert theo.post(f"{path}/snooze", {"choice": "date", "until": "2020-01-01"}, content_type=json).status_code == 422
        assert theo.post(f"{path}/wake").json()["snoozed_until"] is None
        assert theo.post(f"{path}/wake").status_code == 409
        assert theo.post(f"{path}/comments", {"body": "Gesehen."}, content_type=json).status_code == 201
        assert [note["act"] for note in theo.get(f"{path}/notes").json()] == ["snoozed", "woken", "comment"]

    def test_the_reason_for_suppression_is_a_sentence_with_its_path(self, theo: Client, city: City, alert: Alert) -> None:
        child = silence(city.access_point_a, cause=alert)
        said = theo.get(f"{API}/alerts/{child.pk}").json()
        assert said["path"] == [city.access_point_a.pk, city.switch_a.pk]
        assert "AP-204-A" in said["why"]
        assert theo.get(f"{API}/alerts/{alert.pk}").json()["why"] == ""

    def test_limits(self, theo: Client, city: City) -> None:
        path = f"{API}/limits/device/{city.switch_a.pk}"
        limit = {"open": 80, "clear": 70, "hold_s": 60, "severity": "critical"}
        said = theo.put(f"{path}/temperature_c", {"threshold": limit}, content_type="application/json").json()
        assert (said["origin"], said["threshold"]) == ("device", limit)
        assert {one["metric"]: one["origin"] for one in theo.get(path).json()}["temperature_c"] == "device"
        assert theo.delete(f"{path}/temperature_c").json()["origin"] == "default"
        same = {"threshold": limit | {"clear": 80}}
        assert theo.put(f"{path}/temperature_c", same, content_type="application/json").status_code == 422
        upside_down = {"threshold": limit | {"clear": 90}}
        assert theo.put(f"{path}/temperature_c", upside_down, content_type="application/json").status_code == 422
        assert theo.put(f"{path}/nonsense", {"threshold": None}, content_type="application/json").status_code == 404


def test_what_is_set_is_kept_only_where_it_differs(theo: Client, city: City) -> None:
    json = "application/json"
    device, site = f"{API}/limits/device/{city.switch_a.pk}/cpu_percent", f"{API}/limits/site/{city.school_a.pk}/cpu_percent"
    same = {"threshold": theo.delete(device).json()["threshold"]}
    theo.put(device, same, content_type=json)
    assert not ThresholdOverride.objects.exists()

    other = {"threshold": same["threshold"] | {"open": 99}}
    theo.put(device, other, content_type=json)
    theo.put(site, other, content_type=json)
    assert list(ThresholdOverride.objects.values_list("level", flat=True)) == ["site"]
