"""/metrics and /metrics/devices: who may scrape what, in how many queries, and that Prometheus' own parser reads it."""

from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries

from fleet.devices.models import Device
from fleet.events.models import Event
from fleet.monitoring.models import Health, Pulse
from fleet.monitoring.services import history, pulse
from fleet.monitoring.services.history import NewSample
from fleet.monitoring.views import exposition
from fleet.people.models import ApiToken
from tests.conftest import City, bearer
from tests.web.monitoring.test_pages import more_devices, silence

METRICS = ApiToken.Reach.METRICS


def families(answered: HttpResponse) -> dict[str, dict[tuple[str, ...], float]]:
    """{sample name: {values of its labels, these in the order of their names: value}}"""
    assert answered.status_code == 200, answered.content
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(answered.content.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(value for _label, value in sorted(sample.labels.items()))] = sample.value
    return found


def said(device: Device, **values: float) -> None:
    now = timezone.now()
    Health.objects.filter(pk=device.pk).update(status="up", answered_at=now, polled_at=now)
    history.record(samples=[NewSample(device.pk, now, tuple(values), list(values.values()))])


class TestWhoMayScrape:
    @pytest.mark.django_db
    @pytest.mark.parametrize("path", ["/metrics", "/metrics/devices"])
    @pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer fdk_wrong"}, {"Authorization": "Basic YTpi"}])
    def test_strangers_get_401(self, client: Client, path: str, headers: dict[str, str]) -> None:
        answered = client.get(path, headers=headers)
        assert (answered.status_code, answered["Content-Type"]) == (401, "application/problem+json")
        assert answered["WWW-Authenticate"] == "Bearer"

    def test_numbers_of_the_installation_are_for_those_who_run_it(self, client: Client, city: City) -> None:
        assert client.get("/metrics", headers=bearer(city.administrator, METRICS)).status_code == 200
        for user in (city.technician, city.coordinator_a, city.stranger):
            assert client.get("/metrics", headers=bearer(user, METRICS)).status_code == 404

    def test_a_token_for_metrics_opens_nothing_else(self, client: Client, city: City) -> None:
        headers = bearer(city.administrator, METRICS)
        refused = client.get("/api/v1/devices/", headers=headers)
        assert (refused.status_code, refused["Content-Type"]) == (403, "application/problem+json")
        assert client.get("/devices/", headers=headers).status_code == 302

    @pytest.mark.parametrize("reach", list(ApiToken.Reach))
    def test_any_token_reads_them_and_a_session_too(
        self, client: Client, theo: Client, city: City, reach: ApiToken.Reach
    ) -> None:
        assert client.get("/metrics/devices", headers=bearer(city.technician, reach)).status_code == 200
        assert theo.get("/metrics/devices").status_code == 200
        assert theo.post("/metrics/devices").status_code == 405

    def test_who_asks_too_often_waits_and_the_api_counts_too(
        self, client: Client, city: City, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(exposition.per_person, "num_requests", 2)
        headers = bearer(city.technician)
        client.get("/api/v1/me", headers=headers)
        answers = [client.get("/metrics/devices", headers=headers) for _ in range(2)]
        assert [one.status_code for one in answers] == [200, 429]
        assert int(answers[1]["Retry-After"]) >= 1

    def test_a_site_of_others_is_not_found(self, client: Client, city: City) -> None:
        headers = bearer(city.coordinator_a, METRICS)
        assert client.get("/metrics/devices", headers=headers).status_code == 404
        technician = bearer(city.technician, METRICS)
        for site in (str(city.school_b.pk), "999999", "x", "", "-1"):
            expected = 200 if site == str(city.school_b.pk) else 404
            assert client.get("/metrics/devices", {"site": site}, headers=technician).status_code == expected

    def test_somebody_of_one_school_sees_its_devices_alone(self, client: Client, city: City) -> None:
        city.technician.grants.filter(scope_id=city.school_b.pk).delete()
        for device in (city.switch_a, city.switch_b):
            said(device, clients=1)
        headers = bearer(city.technician, METRICS)
        assert b"SW-1-B" not in client.get("/metrics/devices", headers=headers).content
        assert client.get("/metrics/devices", {"site": city.school_b.pk}, headers=headers).status_code == 404


class TestDevices:
    def test_latest_values_stand_in_base_units_with_their_labels(self, theo: Client, city: City) -> None:
        said(city.switch_a, cpu_percent=50, clients=3, **{"traffic_in_bps": 2e6, "traffic_in_bps.1": 1e6, "gone_metric": 1})
        found = families(theo.get("/metrics/devices", {"site": city.school_a.pk}))
        labels = ("SW-1-A", str(city.switch_a.pk), "switch", "schule-a")
        assert found["fleetdesk_device_cpu_ratio"] == {labels: 0.5}
        assert found["fleetdesk_device_traffic_in_bits_per_second"] == {labels: 2e6}
        assert found["fleetdesk_device_up"][labels] == 1
        assert len(found["fleetdesk_device_up"]) == 3
        assert found["fleetdesk_device_answered_timestamp_seconds"].keys() == {labels}

    def test_a_device_that_answers_no_more_has_no_values(self, theo: Client, city: City) -> None:
        said(city.switch_a, clients=3)
        Health.objects.update(status="down", answered_at=timezone.now() - timedelta(hours=3))
        found = families(theo.get("/metrics/devices"))
        assert set(found["fleetdesk_device_up"].values()) == {0}
        assert "fleetdesk_device_clients" not in found

    def test_it_costs_the_same_however_many_there_are(
        self, client: Client, city: City, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        more_devices(city, 40)
        for device in Device.objects.filter(health__isnull=False):
            said(device, clients=3, uptime_s=5)
        headers = bearer(city.technician, METRICS)
        client.get("/metrics/devices", headers=headers)
        with django_assert_max_num_queries(7):
            client.get("/metrics/devices", {"site": city.school_a.pk}, headers=headers)

    def test_both_formats_of_prometheus_are_spoken(self, theo: Client, city: City) -> None:
        said(city.switch_a, clients=3)
        accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
        answered = theo.get("/metrics/devices", headers={"Accept": accept})
        assert answered["Content-Type"].startswith("application/openmetrics-text")
        assert "fleetdesk_device_clients" in {one.name for one in openmetrics_families(answered.content.decode())}


class TestOurselves:
    def asked(self, ada: Client) -> dict[str, dict[tuple[str, ...], float]]:
        return families(ada.get("/metrics"))

    def test_every_room_says_how_it_is(self, ada: Client) -> None:
        found = self.asked(ada)
        assert set(found["fleetdesk_measure_failed"].values()) == {0}
        assert found["fleetdesk_devices"] == {("up",): 0, ("down",): 0, ("unknown",): 6}
        assert {("queued",), ("running",), ("lost",)} <= found["fleetdesk_runs"].keys()
        assert {("waiting",), ("failed",)} <= found["fleetdesk_mails"].keys()
        assert found["fleetdesk_rollups_waiting"] == {("hour",): 0, ("day",): 0}

    def test_the_lag_is_that_of_what_is_due(self, ada: Client) -> None:
        now = timezone.now()
        Health.objects.update(next_poll_at=now + timedelta(hours=1))
        assert set(self.asked(ada)["fleetdesk_poll_lag_seconds"].values()) == {0}
        for n, row in enumerate(Health.objects.order_by("pk")):
            Health.objects.filter(pk=row.pk).update(next_poll_at=now - timedelta(seconds=100 * n))
        found = self.asked(ada)
        lag = found["fleetdesk_poll_lag_seconds"]
        assert 200 <= lag["0.5",] < 300
        assert 500 <= lag["0.95",] == lag["1",] < 600
        assert (found["fleetdesk_devices_due"][()], found["fleetdesk_devices_overdue"][()]) == (6, 5)

    def test_what_is_never_asked_is_never_late(self, ada: Client, city: City) -> None:
        Health.objects.update(next_poll_at=timezone.now() - timedelta(days=1))
        Device.objects.update(address=None, controller=city.switch_a)
        found = self.asked(ada)
        assert found["fleetdesk_devices_due"][()] == 0
        assert set(found["fleetdesk_poll_lag_seconds"].values()) == {0}

    def test_alerts_are_counted_by_severity_and_whether_they_disturb(self, ada: Client, city: City) -> None:
        silence(city.access_point_a, cause=silence(city.switch_a))
        assert self.asked(ada)["fleetdesk_alerts_open"] == {
            ("info", "no"): 0,
            ("info", "yes"): 0,
            ("warning", "no"): 0,
            ("warning", "yes"): 0,
            ("critical", "no"): 1,
            ("critical", "yes"): 1,
        }

    def test_what_workers_wrote_is_summed_and_never_falls(self, ada: Client) -> None:
        now = timezone.now()
        for worker, at in (("a", now - timedelta(days=3)), ("b", now - timedelta(days=2)), ("c", now)):
            Pulse.objects.create(worker=worker, batches=2, polls=200, seconds=0.5, updated_at=at)
        pulse.beat(polls=5, seconds=0.25, now=now)
        before = self.asked(ada)
        assert before["fleetdesk_polls_stored_total"] == {(): 605}

        pulse.fold_ended(now=now)
        pulse.fold_ended(now=now)

        assert set(Pulse.objects.values_list("worker", flat=True)) >= {"c", pulse.ENDED}
        assert Pulse.objects.count() == 3
        for name in ("polls_stored_total", "poll_batches_total", "poll_batch_seconds_total"):
            assert self.asked(ada)[f"fleetdesk_{name}"] == before[f"fleetdesk_{name}"]

    @pytest.mark.django_db
    def test_a_process_writes_its_counts_seldom_and_loses_none(self) -> None:
        now = timezone.now()
        for second in (0, 1, 2, 11):
            pulse.beat(polls=10, seconds=0.1, now=now + timedelta(seconds=second))
        assert Pulse.objects.get().polls == 40
        pulse.beat(polls=10, seconds=0.1, now=now + timedelta(days=2))
        assert sorted(Pulse.objects.values_list("polls", flat=True)) == [10, 40]

    def test_events_that_wait_are_the_backlog(self, ada: Client, city: City) -> None:
        scope = {"authority_id": city.authority.pk, "site_id": city.school_a.pk}
        Event.objects.create(name="alert.opened", subject_type="monitoring.alert", subject_id=1, **scope)
        assert self.asked(ada)["fleetdesk_outbox_waiting"][("tickets.alerts",)] == 1

    def test_tasks_that_wait_are_counted_at_the_broker(self, ada: Client, settings: Any) -> None:
        queue = settings.QUEUES["polling"]
        for _ in range(3):
            current_app.send_task("fleet.monitoring.nothing", queue=queue)
        try:
            assert self.asked(ada)["fleetdesk_queue_tasks"]["polling",] == 3
        finally:
            with current_app.connection_for_write() as connection:
                connection.default_channel.queue_purge(queue)
        assert self.asked(ada)["fleetdesk_queue_tasks"]["polling",] == 0

    def test_a_broker_that_is_away_costs_its_own_numbers_alone(self, ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        away = current_app.connection_for_read
        monkeypatch.setattr(
            current_app, "connection_for_read", lambda **more: away("redis://127.0.0.1:1/0", **more), raising=True
        )
        found = self.asked(ada)
        assert found["fleetdesk_measure_failed"]["queues",] == 1
        assert "fleetdesk_queue_tasks" not in found
        assert "fleetdesk_devices" in found

    def test_it_costs_a_fixed_number_of_queries(
        self, client: Client, city: City, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        more_devices(city, 20)
        headers = bearer(city.administrator, METRICS)
        client.get("/metrics", headers=headers)
        with django_assert_max_num_queries(30):
            client.get("/metrics", headers=headers)
