"""The same over the API: pages by cursor, scope, budgets, problems."""

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.monitoring.models import Alert, Health
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


def test_every_metric_says_its_unit(theo: Client, city: City) -> None:
    known = {one["name"]: one for one in theo.get(f"{API}/metrics/").json()}
    assert (known["traffic_in_bps"]["unit"], known["traffic_in_bps"]["kind"]) == ("bits-per-second", "counter")
    assert not Alert.objects.exists()
