"""The same over the API: pages by cursor, scope, budgets, problems."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.monitoring import services
from fleet.monitoring.models import Alert, Health
from fleet.monitoring.services import history
from fleet.monitoring.services.history import NewSample
from fleet.people.models import ApiToken
from tests.conftest import City, bearer
from tests.web.monitoring.test_pages import answer, more_devices, silence

API = "/api/v1"


def test_lists_come_in_pages(theo: Client, city: City) -> None:
    first = theo.get(f"{API}/devices/?page_size=4").json()
    second = theo.get(first["next"]).json()
    names = [one["name"] for one in first["results"] + second["results"]]
    assert len(names) == len(set(names)) == 6
    assert second["next"] is None


@pytest.mark.parametrize("path", ["devices/", "sites/", "rooms/", "health/", "alerts/"])
def test_lists_hold_ones_own_in_a_fixed_number_of_queries(
    alma: Client, theo: Client, city: City, path: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    more_devices(city, 40)
    silence(city.switch_a)
    silence(city.switch_b)
    with django_assert_max_num_queries(7):
        everything = theo.get(f"{API}/{path}").json()["results"]
    own = alma.get(f"{API}/{path}").json()["results"]
    assert (
        {one.get("site_id", one.get("id", one.get("device_id"))) for one in own} != set() if path != "alerts/" else own == []
    )
    assert len(own) < len(everything)


def test_another_schools_things_are_not_found(alma: Client, city: City) -> None:
    alert = silence(city.switch_b)
    for path in (
        f"devices/{city.switch_b.pk}",
        f"devices/{city.switch_b.pk}/cables",
        f"sites/{city.school_b.pk}",
        f"rooms/{city.room_b.pk}",
        f"health/{city.switch_b.pk}",
        f"health/{city.switch_b.pk}/samples",
        f"devices/{city.switch_b.pk}/series",
        f"devices/{city.switch_a.pk}/series",
        f"alerts/{alert.pk}",
    ):
        answered = alma.get(f"{API}/{path}")
        assert (answered.status_code, answered["Content-Type"]) == (404, "application/problem+json"), path
    assert alma.post(f"{API}/alerts/{alert.pk}/acknowledge").status_code == 404
    assert alma.post(f"{API}/health/{city.switch_a.pk}/poll").status_code == 404


def test_a_coordinator_gets_no_technical_details(alma: Client, theo: Client, city: City) -> None:
    path = f"{API}/devices/{city.access_point_a.pk}"
    assert alma.get(path).json()["address"] is None
    assert theo.get(path).json()["address"] == "127.20.1.2"


def test_alerts_can_be_chosen_and_taken_once(theo: Client, city: City) -> None:
    root = silence(city.switch_a)
    folded = silence(city.access_point_a, cause=root)
    assert [one["id"] for one in theo.get(f"{API}/alerts/?open=true&root=true").json()["results"]] == [root.pk]
    assert theo.get(f"{API}/alerts/{root.pk}").json()["suppresses"] == [folded.pk]
    assert theo.post(f"{API}/alerts/{root.pk}/acknowledge").json()["acknowledged_by_id"] == city.technician.pk
    assert theo.post(f"{API}/alerts/{root.pk}/acknowledge").status_code == 409


def test_a_reading_token_reads_and_does_not_poll(client: Client, city: City) -> None:
    answer(city.switch_a)
    reads = bearer(city.technician, ApiToken.Reach.READ)
    said = client.get(f"{API}/health/{city.switch_a.pk}", headers=reads).json()
    assert (said["status"], said["reading"]["uptime_s"]) == ("up", 90)
    assert len(client.get(f"{API}/health/{city.switch_a.pk}/samples?page_size=5", headers=reads).json()["results"]) == 5
    assert client.post(f"{API}/health/{city.switch_a.pk}/poll", headers=reads).status_code == 403
    assert client.post(f"{API}/health/{city.switch_a.pk}/poll", headers=bearer(city.technician)).status_code == 202
    assert Health.objects.due(timezone.now()).filter(device=city.switch_a).exists()


class TestSeries:
    NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)

    def asked(self, client: Client, city: City, **wanted: str) -> dict[str, Any]:
        answered = client.get(f"{API}/devices/{city.switch_a.pk}/series", wanted)
        assert answered.status_code == 200, answered.content
        return dict(answered.json())

    def fill(self, city: City, *minutes: int) -> None:
        names = ("clients", "traffic_in_bps", "traffic_in_bps.3")
        history.record(
            samples=[NewSample(city.switch_a.pk, self.NOON + timedelta(minutes=n), names, [n, 7, 0.1]) for n in minutes]
        )

    def test_a_day_has_its_polls_with_gaps_as_gaps(self, theo: Client, city: City) -> None:
        self.fill(city, *range(5), *range(20, 25))
        end = (self.NOON + timedelta(hours=1)).isoformat()
        said = self.asked(theo, city, metric="clients", to=end)
        assert (said["grain"], len(said["series"])) == ("poll", 1)
        series = said["series"][0]
        assert (series["metric"], series["element"], series["unit"]) == ("clients", None, "clients")
        assert [point["mean"] for point in series["points"]] == [0, 1, 2, 3, 4, None, 20, 21, 22, 23, 24]

    def test_one_port_by_itself_and_everything_at_once(self, theo: Client, city: City) -> None:
        self.fill(city, 0, 1)
        end = (self.NOON + timedelta(hours=1)).isoformat()
        port = self.asked(theo, city, metric="traffic_in_bps", element="3", to=end)["series"]
        assert [(one["element"], [point["high"] for point in one["points"]]) for one in port] == [("3", [0.1, 0.1])]
        assert [one["metric"] for one in self.asked(theo, city, to=end)["series"]] == ["clients", "traffic_in_bps"]

    def test_a_week_has_hours_and_a_year_days_with_lowest_mean_and_highest(self, theo: Client, city: City) -> None:
        self.fill(city, *range(180))
        later = self.NOON + timedelta(days=2)
        services.roll_up(now=later)
        self.fill(city, 2 * 1440 - 30)  # not rolled up yet
        for days, grain, lows in ((7, "hour", [0, 60, 120, None, 2850]), (300, "day", [0])):
            begin = (later - timedelta(days=days)).isoformat()
            said = self.asked(theo, city, metric="clients", to=later.isoformat(), **{"from": begin})
            assert said["grain"] == grain
            assert [point["low"] for point in said["series"][0]["points"]] == lows
        assert said["series"][0]["points"][0] == {"at": "2026-11-23T23:00:00Z", "low": 0, "mean": 89.5, "high": 179}

    @pytest.mark.parametrize(
        ("wanted", "field"),
        [
            ({"metric": "nonsense"}, "metric"),
            ({"from": "2026-11-24T12:00:00"}, "from"),
            ({"from": "yesterday"}, "from"),
            ({"from": "2026-11-24T12:00:00Z", "to": "2026-11-24T12:00:00Z"}, "from"),
        ],
    )
    def test_what_cannot_be_answered_is_refused_by_name(
        self, theo: Client, city: City, wanted: dict[str, str], field: str
    ) -> None:
        answered = theo.get(f"{API}/devices/{city.switch_a.pk}/series", wanted)
        assert (answered.status_code, answered["Content-Type"]) == (422, "application/problem+json")
        assert field in answered.json()["errors"][0]["field"]

    def test_it_costs_the_same_however_much_there_is(
        self, theo: Client, city: City, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        self.fill(city, *range(300))
        services.roll_up(now=self.NOON + timedelta(days=2))
        end = self.NOON + timedelta(days=1)
        for days in (1, 7, 365):
            with django_assert_max_num_queries(8):
                self.asked(theo, city, to=end.isoformat(), **{"from": (end - timedelta(days=days)).isoformat()})


def test_every_metric_says_its_unit(theo: Client, city: City) -> None:
    known = {one["name"]: one for one in theo.get(f"{API}/metrics/").json()}
    assert (known["traffic_in_bps"]["unit"], known["traffic_in_bps"]["kind"]) == ("bits-per-second", "counter")
    assert not Alert.objects.exists()
