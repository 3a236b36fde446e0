"""A tick works on so many rows, in turn: none that fails, waits or is in somebody else's hands holds up another."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import QuerySet
from django.db.models.signals import pre_save
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.automation.models import Change, Run, Schedule
from fleet.automation.services import holding, tending, turns
from fleet.devices import services as devices
from fleet.devices.models import Device
from fleet.events.models import Event
from tests.conftest import City
from tests.unit.automation.test_tending import an_hour_ago, change_of, run_of

pytestmark = pytest.mark.django_db
FEW = 4


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "AT_MOST", FEW)
    monkeypatch.setattr(holding, "AT_MOST", FEW)


def many(city: City, count: int = 3 * FEW, **more: object) -> list[Change]:
    return [change_of(city, **more) for _ in range(count)]


def points(city: City, count: int) -> list[Device]:
    """Access points of their own, so that no change is in another's way."""
    made = []
    for number in range(count):
        details = devices.DeviceDetails(city.access_point_a.type, f"AP-{number}", serial=f"N{number}")
        made.append(devices.create_device(site=city.school_a, details=details))
    return made


def refusing(refused: set[int]) -> Callable[..., None]:
    def refuse(instance: Run, **_: object) -> None:
        if instance.change_id in refused:
            raise RuntimeError

    return refuse


def waiting() -> QuerySet[Change]:
    return Change.objects.filter(state=Change.State.AWAITING_APPROVAL)


def test_each_row_has_its_turn_although_the_first_ones_always_fail(city: City) -> None:
    broken = {change.pk for change in many(city, FEW)}
    fine = {change.pk for change in many(city)}
    worked: list[int] = []

    def act(change: Change) -> None:
        if change.pk in broken:
            raise RuntimeError
        worked.append(change.pk)

    for _ in range(4):
        before = len(worked)
        turns.each("trial", Change.objects.all(), act)
        assert len(worked) - before <= FEW

    assert set(worked) == fine


def test_after_the_last_row_the_first_has_its_turn_again(city: City) -> None:
    rows = [change.pk for change in many(city, FEW + 2)]

    found = [turns.in_turn("trial", Change.objects.all()) for _ in range(3)]

    assert found == [rows[:4], [*rows[4:], *rows[:2]], rows[2:]]


def test_what_another_has_done_meanwhile_is_not_done_again(city: City) -> None:
    change = change_of(city, state=Change.State.AWAITING_APPROVAL)
    rows = waiting()
    numbers = turns.in_turn("trial", rows)
    Change.objects.update(state=Change.State.APPROVED)
    worked: list[Change] = []

    turns.each("trial", rows, worked.append, numbers=numbers)

    assert (numbers, worked) == ([change.pk], [])


def test_many_whose_time_is_over_are_taken_back_some_at_a_time_and_one_that_fails_stops_none(city: City) -> None:
    over = {"state": Change.State.CONFIRMED, "box": Change.Box.PENDING, **an_hour_ago()}
    changes = [change_of(city, device=device, **over) for device in points(city, 2 * FEW + 1)]
    for change in changes:
        run_of(change, state=Run.State.SUCCEEDED, started_at=timezone.now())
    refuse = refusing({changes[0].pk})
    taken_back = Run.objects.filter(kind=Run.Kind.REVERT)

    pre_save.connect(refuse, sender=Run)
    try:
        for tick in range(1, 4):
            tending.tend()
            assert taken_back.count() <= tick * FEW
    finally:
        pre_save.disconnect(refuse, sender=Run)

    assert set(taken_back.values_list("change", flat=True)) == {change.pk for change in changes[1:]}


def test_many_that_cannot_be_started_keep_none_behind_them_from_its_turn(city: City) -> None:
    changes = [change_of(city, device=device) for device in points(city, FEW + 1)]
    refuse = refusing({change.pk for change in changes[:FEW]})

    pre_save.connect(refuse, sender=Run)
    try:
        tending.tend()
        tending.tend()
    finally:
        pre_save.disconnect(refuse, sender=Run)

    assert list(Run.objects.values_list("change", flat=True)) == [changes[-1].pk]


def test_what_expires_does_so_some_at_a_time(city: City) -> None:
    changes = many(city, FEW + 1, state=Change.State.AWAITING_APPROVAL)
    long_ago = timezone.now() - timedelta(days=15)
    Change.objects.update(state_since=long_ago, starts_at=long_ago)

    tending.tend()
    assert waiting().count() == 1
    tending.tend()

    told = Event.objects.filter(name="change.cancelled", payload__expired=True).values_list("subject_id", flat=True)
    assert sorted(told) == [change.pk for change in changes]


def test_a_standing_order_that_cannot_be_read_holds_up_no_other(city: City) -> None:
    for number in range(FEW + 1):
        Schedule.objects.create(
            authority=city.authority, site=city.school_a, name=str(number), owner=city.technician, playbook="ap-restart",
            device_ids=[city.access_point_a.pk], rule="FREQ=DAILY" if number else "nonsense",
            starts_at=timezone.now() - timedelta(days=1), next_at=timezone.now(),
        )  # fmt: skip

    tending.tend()
    tending.tend()

    assert set(Change.objects.values_list("reason", flat=True)) == {"1", "2", "3", "4"}


def test_a_tick_without_anything_to_do_costs_the_same_for_any_number_of_rows(
    city: City, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    many(city, 3 * FEW, state=Change.State.CONFIRMED)
    tending.tend()

    with django_assert_max_num_queries(25):
        tending.tend()


class TestWhatNobodyHadToAgreeTo:
    def old(self, city: City, **more: object) -> Change:
        change = change_of(city, requested_by=city.technician, **more)
        long_ago = timezone.now() - timedelta(days=15)
        Change.objects.filter(pk=change.pk).update(state_since=long_ago, starts_at=long_ago)
        return change

    def test_ends_when_its_hour_never_comes_and_says_so(self, city: City) -> None:
        change = self.old(city)
        holding.hold(change, timezone.now())  # the policy has just said «not now»

        tending.tend()

        change.refresh_from_db()
        assert change.state == Change.State.CANCELLED
        told = Event.objects.get(name="change.cancelled").payload
        assert (told["expired"], told["never_allowed"], told["too_late"]) == (True, True, True)

    def test_lasts_while_a_run_of_it_waits_for_a_device(self, city: City) -> None:
        change = self.old(city)
        run_of(change)

        tending.tend()

        change.refresh_from_db()
        assert change.state == Change.State.APPROVED
