"""Changes over the API: ordering once, deciding, reading by pages, and other schools' things not found."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.automation.models import Change, Run
from fleet.automation.services.ordering import Order, OrderError, request_change
from fleet.people import services as people
from fleet.people.models import ApiToken
from fleet.people.rules import Role
from tests.conftest import City, bearer
from tests.web.automation.conftest import KEY, add_run, make_change

API = "/api/v1/changes"


def body(city: City, **other: Any) -> dict[str, Any]:
    wish = {"playbook": "ssid", "arguments": {"ssid": "Klausur", "psk": KEY}, "device_ids": [city.access_point_a.pk]}
    return {**wish, **other}


def post(client: Client, path: str, sent: Any = None, **headers: str) -> Any:
    return client.post(f"{API}/{path}", sent or {}, content_type="application/json", headers=headers)


class TestOrdering:
    def test_an_order_becomes_a_change_that_is_previewed(self, theo: Client, city: City) -> None:
        answer = post(theo, "", body(city))

        assert answer.status_code == 201, answer.content
        said = answer.json()
        assert (said["state"], said["risk"], said["approvals_needed"]) == ("previewing", "medium", 1)
        assert said["arguments"]["psk"] == "***"
        assert KEY not in answer.content.decode()
        assert Run.objects.filter(change=said["id"], kind="preview", state="queued").count() == 1

    def test_the_same_key_makes_the_same_change(self, theo: Client, ada: Client, city: City) -> None:
        key = {"Idempotency-Key": "4711-" + "x" * 200}
        first, again = (post(theo, "", body(city), **key).json()["id"] for _ in range(2))
        other = post(ada, "", body(city), **key).json()["id"]

        assert first == again
        assert other != first, "keys of one person are not another's"

    @pytest.mark.parametrize(
        ("field", "spoilt"),
        [
            ("ansible_connection", {"arguments": {"ssid": "x", "ansible_connection": "local"}}),
            ("ssid", {"arguments": {"ssid": "half \ud800"}}),
            ("ssid", {"arguments": {}}),
            ("playbook", {"playbook": "../../etc/passwd"}),
            ("targets", {"device_ids": []}),
            ("targets", {"device_ids": [999999]}),
            ("ends_at", {"ends_at": "2020-01-01T00:00:00Z"}),
        ],
    )
    def test_what_is_wrong_is_named(self, theo: Client, city: City, field: str, spoilt: dict[str, Any]) -> None:
        answer = post(theo, "", body(city, **spoilt))

        assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
        assert field in {one["field"] for one in answer.json()["errors"]}
        assert not Change.objects.exists()

    @pytest.mark.parametrize(
        ("language", "spoilt", "said"),
        [
            ("de", {"arguments": {}}, "Diese Angabe fehlt."),
            ("en", {"arguments": {}}, "This is needed."),
            ("de", {"playbook": "gone"}, "Dieses Playbook gibt es nicht, oder es ist gerade nicht verwendbar."),
        ],
    )
    def test_a_refusal_is_in_the_readers_language(
        self, theo: Client, city: City, language: str, spoilt: dict[str, Any], said: str
    ) -> None:
        people.set_display(user=city.technician, language=language, theme=None)

        answer = post(theo, "", body(city, **spoilt))

        assert [one["message"] for one in answer.json()["errors"]] == [said]

    @pytest.mark.parametrize("spoilt", [{"starts_at": "2030-01-01T08:00:00"}, {"device_ids": "all"}, {"reason": "x" * 501}])
    def test_what_is_not_of_its_form_is_refused(self, theo: Client, city: City, spoilt: dict[str, Any]) -> None:
        assert post(theo, "", body(city, **spoilt)).status_code == 422
        assert not Change.objects.exists()

    @pytest.mark.parametrize("field", ["starts_at", "ends_at"])
    @pytest.mark.parametrize("far", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"])
    def test_what_no_page_could_show_is_refused(self, theo: Client, city: City, field: str, far: str) -> None:
        answer = post(theo, "", body(city, **{field: far}))

        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
        assert "1970" in answer.json()["errors"][0]["message"]
        with pytest.raises(OrderError, match="1970"):
            request_change(order=Order(**body(city, **{field: datetime.fromisoformat(far)}), requested_by=city.technician))
        assert not Change.objects.exists()

    def test_a_coordinator_orders_from_the_catalogue_and_not_here(self, alma: Client, city: City) -> None:
        assert post(alma, "", body(city)).status_code == 403

    def test_to_be_technician_of_one_school_does_not_help_in_another(self, alma: Client, city: City) -> None:
        """A coordinator of A who is technician of B may still not give A's devices any playbook."""
        people.grant(user=city.coordinator_a, role=Role.TECHNICIAN, scope_id=city.school_b.pk)

        answer = post(alma, "", body(city))

        assert answer.status_code == 422
        assert [one["field"] for one in answer.json()["errors"]] == ["targets"]

    def test_a_token_that_only_reads_orders_nothing(self, client: Client, city: City) -> None:
        reads = bearer(city.technician, ApiToken.Reach.READ)
        assert client.get(f"{API}/", headers=reads).status_code == 200
        sent = client.post(f"{API}/", body(city), content_type="application/json", headers=reads)
        assert sent.status_code in {401, 403}
        assert not Change.objects.exists()


class TestReading:
    def test_lists_come_in_pages_in_a_fixed_number_of_queries(
        self, theo: Client, alma: Client, city: City, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        for device in [city.access_point_a, city.access_point_b] * 6:
            make_change(device, city.coordinator_a)
        with django_assert_max_num_queries(7):
            first = theo.get(f"{API}/?page_size=8").json()
        second = theo.get(first["next"]).json()
        ids = [one["id"] for one in first["results"] + second["results"]]
        assert ids == sorted(ids, reverse=True)
        assert len(ids) == 12
        assert {one["site_id"] for one in alma.get(f"{API}/").json()["results"]} == {city.school_a.pk}

    def test_the_log_comes_in_pages_in_order(self, theo: Client, alma: Client, city: City, change_a: Change) -> None:
        run = add_run(change_a, city.access_point_a)
        url = f"{API}/{change_a.pk}/runs/{run.pk}/log?page_size=4"
        first = theo.get(url).json()
        second = theo.get(first["next"]).json()

        assert [one["sequence"] for one in first["results"] + second["results"]] == [1, 2, 3, 4, 5, 6, 7]
        assert alma.get(url).status_code == 404

    def test_one_change_in_a_fixed_number_of_queries_with_secrets_masked(
        self, theo: Client, city: City, change_a: Change, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        for kind in ("apply", "revert"):
            add_run(change_a, city.access_point_a, kind)
        with django_assert_max_num_queries(12):
            answer = theo.get(f"{API}/{change_a.pk}")
        assert KEY not in answer.content.decode()
        assert answer.json()["arguments"]["psk"] == "***"
        assert [run["kind"] for run in answer.json()["runs"]] == ["preview", "apply", "revert"]

    def test_a_coordinator_gets_no_runs(self, alma: Client, change_a: Change) -> None:
        assert alma.get(f"{API}/{change_a.pk}").json()["runs"] == []

    def test_playbooks_say_what_they_ask_for(self, theo: Client) -> None:
        said = {one["slug"]: one for one in theo.get("/api/v1/playbooks/").json()}
        arguments = {one["name"]: one for one in said["ssid"]["arguments"]}
        assert (arguments["psk"]["secret"], arguments["state"]["choices"]) == (True, ["present", "absent"])
        assert said["ssid"]["reversible"]
        assert not said["ap-restart"]["reversible"]
        assert [said[slug]["why_no_end"] for slug in ("ssid", "ap-restart", "port-vlan")] == [
            "",
            "no-way-back",
            "whole-device",
        ]


class TestDeciding:
    def test_an_approver_approves_what_was_looked_at(self, franka: Client, change_a: Change) -> None:
        assert post(franka, f"{change_a.pk}/approve", {"digest": "2" * 64}).status_code == 409
        said = post(franka, f"{change_a.pk}/approve", {"digest": change_a.digest, "comment": "gut"})
        assert (said.status_code, said.json()["state"]) == (200, "approved")
        assert [one["comment"] for one in said.json()["approvals"]] == ["gut"]
        assert post(franka, f"{change_a.pk}/reject", {"digest": change_a.digest}).status_code == 409

    def test_nobody_their_own(self, ada: Client, city: City) -> None:
        change = make_change(city.access_point_a, city.administrator)
        answer = post(ada, f"{change.pk}/approve", {"digest": change.digest})
        assert answer.status_code == 403
        assert ada.get(f"{API}/{change.pk}").json()["why_not_approve"] == "own-change"

    def test_who_has_no_such_role_does_not(self, theo: Client, change_a: Change) -> None:
        assert post(theo, f"{change_a.pk}/approve", {"digest": change_a.digest}).status_code == 403

    def test_stopping_and_trying_again(self, theo: Client, change_a: Change) -> None:
        assert post(theo, f"{change_a.pk}/check-and-retry").status_code == 409
        assert post(theo, f"{change_a.pk}/cancel").json()["state"] == "cancelled"
        assert post(theo, f"{change_a.pk}/cancel").status_code == 409

    def test_after_its_time_it_is_not_tried_again(self, theo: Client, city: City) -> None:
        change = make_change(city.access_point_a, city.coordinator_a, "lost")
        now = timezone.now()
        begun, over = now - timedelta(hours=2), now - timedelta(hours=1)
        Change.objects.filter(pk=change.pk).update(starts_at=begun, ends_at=over, box="reverted")
        assert post(theo, f"{change.pk}/check-and-retry").status_code == 409


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ""),
        ("post", "/approve"),
        ("post", "/reject"),
        ("post", "/cancel"),
        ("post", "/check-and-retry"),
        ("get", "/runs/{run}/log"),
    ],
)
def test_another_schools_change_is_not_found(bruno: Client, change_a: Change, method: str, path: str) -> None:
    url = f"{API}/{change_a.pk}" + path.format(run=change_a.runs.get().pk)
    sent = {"data": {"digest": change_a.digest}, "content_type": "application/json"} if method == "post" else {}

    answer = getattr(bruno, method)(url, **sent)

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_a_run_is_found_only_under_its_own_change(theo: Client, change_a: Change, change_b: Change) -> None:
    assert theo.get(f"{API}/{change_a.pk}/runs/{change_b.runs.get().pk}/log").status_code == 404
