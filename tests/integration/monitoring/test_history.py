"""What was measured is kept, found again, rolled up and dropped: the same on every database."""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.devices.models import Device
from fleet.monitoring import services
from fleet.monitoring.models import DailySample, HourlySample, Layout, RollupDue, Sample
from fleet.monitoring.rules import rollup
from fleet.monitoring.rules.rollup import Grain, Summary
from fleet.monitoring.services import history, partitions, rollups
from fleet.monitoring.services.history import NewSample
from tests.conftest import City

pytestmark = pytest.mark.django_db
postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="partitions are PostgreSQL's")
NAMES = ("clients", "traffic_in_bps", "traffic_in_bps.1")


def record(device: Device, at: datetime, values: Sequence[float | None], names: tuple[str, ...] = NAMES) -> None:
    history.record(samples=[NewSample(device.pk, at, names, values)])


def hour(device: Device, begin: datetime) -> dict[str, Summary | None]:
    row = HourlySample.objects.select_related("layout").get(device=device, begin=begin)
    return {name: rollup.summary_at(bytes(row.values), n) for n, name in enumerate(row.layout.names)}


def day(device: Device) -> dict[datetime, Summary | None]:
    rows = DailySample.objects.filter(device=device).order_by("begin")
    return {row.begin: rollup.summary_at(bytes(row.values), 0) for row in rows}


class TestRecording:
    def test_what_was_said_comes_back_and_the_rest_is_left_out(self, city: City) -> None:
        at = timezone.now()
        record(city.switch_a, at, [18, None, 0.5])
        sample = Sample.objects.select_related("layout").get()
        assert (sample.device, sample.polled_at) == (city.switch_a, at)
        assert sample.said == {"clients": 18, "traffic_in_bps.1": 0.5}

    def test_devices_with_the_same_names_share_a_layout(self, city: City) -> None:
        now = timezone.now()
        names = [NAMES, NAMES, ("uptime_s",)]
        devices = [city.switch_a, city.switch_b, city.printer_a]
        samples = [NewSample(one.pk, now, said, [1] * len(said)) for one, said in zip(devices, names, strict=True)]
        history.record(samples=samples)
        assert Layout.objects.count() == 2

    @pytest.mark.django_db(transaction=True)
    def test_a_batch_costs_the_same_however_many_are_in_it(
        self, city: City, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        record(city.switch_a, timezone.now(), [1, 2, 3])
        at = timezone.now()
        devices = [city.switch_a, city.switch_b, city.access_point_a, city.access_point_b, city.printer_a]
        with django_assert_max_num_queries(4), transaction.atomic():  # begin, rows, commit; the hour, should it just turn
            history.record(samples=[NewSample(one.pk, at, NAMES, [1, 2, 3]) for one in devices])

    @pytest.mark.django_db(transaction=True)
    def test_a_layout_that_was_rolled_back_is_not_believed_in(self, city: City) -> None:
        with transaction.atomic():
            record(city.switch_a, timezone.now(), [1, 2, 3])
            transaction.set_rollback(True)
        assert not Layout.objects.exists()
        record(city.switch_a, timezone.now(), [1, 2, 3])
        assert Sample.objects.select_related("layout").get().said["clients"] == 1

    @pytest.mark.django_db(transaction=True)
    def test_workers_that_meet_a_new_layout_at_once_agree(self, city: City) -> None:
        names = [tuple(f"x{n}.{m}" for m in range(40)) for n in range(30)]
        devices = [city.switch_a, city.switch_b, city.access_point_a, city.access_point_b]
        at = timezone.now()

        def work(device: Device) -> None:
            some = names if device.pk % 2 else names[::-1]
            late = [at + timedelta(microseconds=n) for n in range(len(some))]
            with transaction.atomic():
                history.record(samples=[NewSample(device.pk, t, n, [1] * 40) for t, n in zip(late, some, strict=True)])
            connections.close_all()

        together(*(lambda device=device: work(device) for device in devices))
        assert Layout.objects.count() == 30
        assert Sample.objects.count() == 120
        assert {sample.layout.digest for sample in Sample.objects.select_related("layout")} <= set(
            Layout.objects.values_list("digest", flat=True)
        )

    def test_the_same_instant_twice_is_refused_and_so_is_a_misfit(self, city: City) -> None:
        at = timezone.now()
        record(city.switch_a, at, [1, 2, 3])
        with pytest.raises(IntegrityError), transaction.atomic():
            record(city.switch_a, at, [1, 2, 3])
        with pytest.raises(ValueError, match="3 names for 1 values"):
            record(city.switch_a, at + timedelta(seconds=1), [1])

    def test_a_deleted_device_takes_its_history_along(self, city: City) -> None:
        record(city.printer_a, timezone.now(), [1, 2, 3])
        record(city.switch_a, timezone.now(), [1, 2, 3])
        city.printer_a.alerts.all().delete()
        Device.objects.filter(pk=city.printer_a.pk).delete()
        assert [sample.device for sample in Sample.objects.all()] == [city.switch_a]


def together(*works: Callable[[], None]) -> None:
    failed: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # the thread's end must not hide it
            failed.append(error)

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed, failed


class TestRollingUp:
    BEGIN = datetime(2026, 11, 24, 9, tzinfo=UTC)

    def test_an_hour_is_rolled_up_once_it_is_over(self, city: City) -> None:
        for minute in range(0, 60, 10):
            record(city.switch_a, self.BEGIN + timedelta(minutes=minute), [minute, None, 1])
        assert services.roll_up(now=self.BEGIN + timedelta(minutes=64)) == 0
        assert services.roll_up(now=self.BEGIN + timedelta(minutes=66)) == 1
        assert hour(city.switch_a, self.BEGIN) == {
            "clients": Summary(6, 0, 25, 50),
            "traffic_in_bps": None,
            "traffic_in_bps.1": Summary(6, 1, 1, 1),
        }
        assert list(RollupDue.objects.values_list("grain", flat=True)) == ["day"]

    def test_late_samples_are_taken_in_also_by_the_day(self, city: City) -> None:
        record(city.switch_a, self.BEGIN, [10, None, None])
        record(city.switch_a, self.BEGIN + timedelta(hours=1), [20, None, None])
        assert services.roll_up(now=self.BEGIN + timedelta(days=2)) == 3
        midnight = datetime(2026, 11, 23, 23, tzinfo=UTC)
        assert day(city.switch_a) == {midnight: Summary(2, 10, 15, 20)}

        record(city.switch_a, self.BEGIN + timedelta(minutes=30), [60, None, None])
        assert services.roll_up(now=self.BEGIN + timedelta(days=2)) == 2
        assert hour(city.switch_a, self.BEGIN)["clients"] == Summary(2, 10, 35, 60)
        assert day(city.switch_a) == {midnight: Summary(3, 10, 30, 60)}
        assert not RollupDue.objects.exists()

    def test_a_new_interface_within_the_hour_loses_nothing(self, city: City) -> None:
        record(city.switch_a, self.BEGIN, [1, 2, 3])
        record(city.switch_a, self.BEGIN + timedelta(minutes=30), [3, 4, 5, 9], (*NAMES, "traffic_in_bps.2"))
        services.roll_up(now=self.BEGIN + timedelta(hours=2))
        assert hour(city.switch_a, self.BEGIN) == {
            "clients": Summary(2, 1, 2, 3),
            "traffic_in_bps": Summary(2, 2, 3, 4),
            "traffic_in_bps.1": Summary(2, 3, 4, 5),
            "traffic_in_bps.2": Summary(1, 9, 9, 9),
        }

    @pytest.mark.usefixtures("city")
    def test_what_a_killed_worker_left_is_done_again_with_the_same_result(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rollups, "AT_ONCE", 2)
        devices = list(Device.objects.order_by("pk"))
        for one in devices:
            record(one, self.BEGIN, [one.pk, None, None])
        due = RollupDue.objects.get()
        half = devices[len(devices) // 2 - 1].pk
        RollupDue.objects.update(done_to=half, taken_until=timezone.now() + timedelta(minutes=1))
        late = self.BEGIN + timedelta(hours=2)
        assert services.roll_up(now=late) == 0  # another worker holds it

        RollupDue.objects.update(taken_until=timezone.now() - timedelta(seconds=1))
        assert services.roll_up(now=late) == 1
        assert HourlySample.objects.count() == len(devices) - len([one for one in devices if one.pk <= half])

        history.note(grain=Grain.HOUR, begins=[due.begin], now=timezone.now())
        services.roll_up(now=late)
        before = list(HourlySample.objects.order_by("device_id").values_list())
        assert len(before) == len(devices)
        history.note(grain=Grain.HOUR, begins=[due.begin], now=timezone.now())
        services.roll_up(now=late)
        assert list(HourlySample.objects.order_by("device_id").values_list()) == before

    @pytest.mark.django_db(transaction=True)
    def test_two_workers_at_once_make_one_roll_up(self, city: City) -> None:
        for one in (city.switch_a, city.switch_b):
            record(one, self.BEGIN, [5, None, None])
        done: list[int] = []

        def work() -> None:
            done.append(services.roll_up(now=self.BEGIN + timedelta(hours=2)))
            connections.close_all()

        together(work, work, work)
        assert sum(done) == 1
        assert HourlySample.objects.count() == 2

    def test_a_sample_that_comes_while_its_hour_is_being_rolled_up_is_not_forgotten(
        self, city: City, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        record(city.switch_a, self.BEGIN, [10, None, None])
        fold = rollups._fold

        def fold_and_be_late(*args: Any) -> None:
            fold(*args)
            monkeypatch.setattr(rollups, "_fold", fold)
            record(city.switch_a, self.BEGIN + timedelta(minutes=5), [30, None, None])

        monkeypatch.setattr(rollups, "_fold", fold_and_be_late)
        late = self.BEGIN + timedelta(hours=2)
        assert services.roll_up(now=late) == 0
        RollupDue.objects.update(taken_until=None)
        assert services.roll_up(now=late) == 1
        assert hour(city.switch_a, self.BEGIN)["clients"] == Summary(2, 10, 20, 30)

    def test_the_night_with_two_hours_of_the_same_name_has_a_day_of_25(self, city: City) -> None:
        begin = datetime(2026, 10, 24, 22, tzinfo=UTC)
        for n in range(26):
            record(city.switch_a, begin + timedelta(hours=n, minutes=30), [n, None, None])
        services.roll_up(now=begin + timedelta(days=3))
        assert day(city.switch_a) == {
            begin: Summary(25, 0, 12, 24),
            begin + timedelta(hours=25): Summary(1, 25, 25, 25),
        }

    def test_the_night_that_lacks_an_hour_has_a_day_of_23(self, city: City) -> None:
        begin = datetime(2026, 3, 28, 23, tzinfo=UTC)
        for n in range(24):
            record(city.switch_a, begin + timedelta(hours=n, minutes=30), [n, None, None])
        services.roll_up(now=begin + timedelta(days=3))
        assert [one.count for one in day(city.switch_a).values() if one] == [23, 1]

    def test_a_roll_up_whose_polls_are_gone_stays(self, city: City) -> None:
        record(city.switch_a, self.BEGIN, [10, None, None])
        services.roll_up(now=self.BEGIN + timedelta(hours=2))
        Sample.objects.all().delete()
        record(city.switch_a, self.BEGIN + timedelta(minutes=1), [99, None, None])
        services.roll_up(now=self.BEGIN + timedelta(days=40))
        assert hour(city.switch_a, self.BEGIN)["clients"] == Summary(1, 10, 10, 10)


class TestKeeping:
    def test_what_is_too_old_goes_and_the_rest_stays(self, city: City) -> None:
        now = datetime(2026, 11, 25, 12, tzinfo=UTC)
        for days in (0, 29, 32, 60):
            record(city.switch_a, now - timedelta(days=days), [days, None, None])
        services.tend(now=now)
        assert {row.said["clients"] for row in Sample.objects.select_related("layout")} == {0, 29}

    def test_samples_around_midnight_of_utc_are_found_in_order(self, city: City) -> None:
        midnight = datetime(2026, 11, 26, tzinfo=UTC)
        services.tend(now=midnight - timedelta(hours=1))
        instants = [midnight + timedelta(microseconds=n) for n in (-1, 0, 1)]
        names = [NewSample(city.switch_a.pk, at, NAMES, [n, None, None]) for n, at in enumerate(instants)]
        history.record(samples=names)
        assert list(Sample.objects.order_by("polled_at").values_list("polled_at", flat=True)) == instants


def homes() -> dict[str, int]:
    """{partition: rows}"""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text, count(*) FROM monitoring_sample GROUP BY 1")
        return dict(cursor.fetchall())


@postgresql
class TestPartitions:
    NOW = datetime(2026, 12, 30, 22, 30, tzinfo=UTC)

    def test_today_and_three_days_are_made_ahead_once(self) -> None:
        made = partitions.make_ahead(now=self.NOW)
        assert made == [
            "monitoring_sample_20261230",
            "monitoring_sample_20261231",
            "monitoring_sample_20270101",
            "monitoring_sample_20270102",
            "monitoring_hourlysample_202612",
            "monitoring_hourlysample_202701",
            "monitoring_dailysample_2026",
            "monitoring_dailysample_2027",
        ]
        assert partitions.make_ahead(now=self.NOW) == []

    def test_each_row_lies_in_the_partition_of_its_day(self, city: City) -> None:
        partitions.make_ahead(now=self.NOW)
        for hours in (0, 1, 2, 3, 24 * 30):
            record(city.switch_a, self.NOW + timedelta(hours=hours), [hours, None, None])
        assert homes() == {
            "monitoring_sample_20261230": 2,
            "monitoring_sample_20261231": 2,
            "monitoring_sample_default": 1,
        }

    def test_what_the_default_partition_took_moves_into_its_own(self, city: City) -> None:
        record(city.switch_a, self.NOW, [1, None, None])
        record(city.switch_a, self.NOW - timedelta(days=1), [2, None, None])
        assert homes() == {"monitoring_sample_default": 2}
        partitions.make_ahead(now=self.NOW)
        assert homes() == {"monitoring_sample_default": 1, "monitoring_sample_20261230": 1}
        assert {row.said["clients"] for row in Sample.objects.select_related("layout")} == {1, 2}

    def test_partitions_are_dropped_whole_and_the_default_one_is_emptied_row_by_row(self, city: City) -> None:
        record(city.switch_a, self.NOW - timedelta(days=90), [1, None, None])
        record(city.switch_a, self.NOW - timedelta(days=2), [2, None, None])
        partitions.make_ahead(now=self.NOW)
        record(city.switch_a, self.NOW, [3, None, None])
        later = self.NOW + timedelta(days=31, hours=2)

        partitions.drop_old(now=later)

        assert homes() == {}
        names = partitions._partitions("monitoring_sample")
        assert "monitoring_sample_20261230" not in names
        assert {"monitoring_sample_20270101", "monitoring_sample_default"} <= set(names)

    def test_a_partition_has_the_key_that_keeps_an_instant_unique(self, city: City) -> None:
        partitions.make_ahead(now=self.NOW)
        record(city.switch_a, self.NOW, [1, None, None])
        with pytest.raises(IntegrityError), transaction.atomic():
            record(city.switch_a, self.NOW, [1, None, None])

    def test_reading_one_device_looks_into_the_days_asked_for_alone(self, city: City) -> None:
        partitions.make_ahead(now=self.NOW)
        asked = Sample.objects.filter(device=city.switch_a, polled_at__range=(self.NOW, self.NOW + timedelta(minutes=9)))
        plan = asked.explain()
        assert "monitoring_sample_20261230" in plan
        assert "20261231" not in plan

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.usefixtures("transactional_db", "_without_partitions")
    def test_a_busy_table_is_left_alone_and_tried_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(partitions, "PATIENCE", "50ms")
        held, go = threading.Event(), threading.Event()

        def hold() -> None:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("LOCK TABLE monitoring_sample IN ACCESS EXCLUSIVE MODE")
                held.set()
                go.wait(30)
            connections.close_all()

        thread = threading.Thread(target=hold)
        thread.start()
        assert held.wait(30)
        made = partitions.make_ahead(now=self.NOW)
        assert not any(name.startswith("monitoring_sample_") for name in made)
        go.set()
        thread.join(30)
        assert "monitoring_sample_20261230" in partitions.make_ahead(now=self.NOW)

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.usefixtures("transactional_db", "_without_partitions")
    def test_who_writes_while_todays_partition_is_made_loses_nothing(self, city: City) -> None:
        devices = [city.switch_a, city.switch_b, city.access_point_a]
        begun = threading.Barrier(len(devices) + 1)

        def write(device: Device) -> None:
            begun.wait(30)
            for n in range(60):
                with transaction.atomic():
                    record(device, self.NOW + timedelta(seconds=n), [n, None, None])
            connections.close_all()

        def make() -> None:
            begun.wait(30)
            while "monitoring_sample_20261230" not in partitions._partitions("monitoring_sample"):
                partitions.make_ahead(now=self.NOW)
            connections.close_all()

        together(make, *(lambda device=device: write(device) for device in devices))
        assert Sample.objects.count() == 180
        assert homes() == {"monitoring_sample_20261230": 180}

    @pytest.fixture
    def _without_partitions(self) -> Iterator[None]:
        """A test that commits leaves none behind: emptying tables does not take them away."""
        yield
        with connection.cursor() as cursor:
            for one in partitions.kept():
                for name in partitions._partitions(one.table):
                    if not name.endswith("_default"):
                        cursor.execute(f"DROP TABLE {name}")
