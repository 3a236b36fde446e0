"""When a device is asked next, and when its silence counts."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from fleet.monitoring.rules import polling
from fleet.monitoring.rules.polling import CONFIRM, PATIENCE, Availability, Pace, Status

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
PACE = Pace(interval_s=30, retry_s=5)
RUNNING = Availability(Status.UP, NOW - timedelta(days=1))


def fail(times: int, before: Availability = RUNNING) -> Availability:
    for n in range(times):
        before = polling.failed(before, "timeout", NOW + timedelta(seconds=5 * n))
    return before


@pytest.mark.parametrize("failures", range(1, CONFIRM))
def test_silence_that_is_not_confirmed_changes_nothing_but_the_count(failures: int) -> None:
    after = fail(failures)
    assert (after.status, after.since, after.failures) == (Status.UP, RUNNING.since, failures)
    assert after.failing_since == NOW


def test_confirmed_silence_counts_from_its_first_instant() -> None:
    after = fail(CONFIRM)
    assert (after.status, after.since, after.reason) == (Status.DOWN, NOW, "timeout")
    assert fail(2, after).since == NOW


def test_one_answer_is_enough() -> None:
    later = NOW + timedelta(hours=1)
    assert polling.answered(fail(CONFIRM), later) == Availability(Status.UP, later)
    assert polling.answered(RUNNING, later) == RUNNING
    assert polling.answered(Availability(Status.UNKNOWN, NOW), later) == Availability(Status.UP, later)


def test_a_device_never_heard_of_is_confirmed_down_like_any_other() -> None:
    assert fail(CONFIRM - 1, Availability(Status.UNKNOWN, NOW)).status is Status.UNKNOWN
    assert fail(CONFIRM, Availability(Status.UNKNOWN, NOW)).status is Status.DOWN


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [
        (0, 30),
        (1, 5),
        (CONFIRM, 5),
        (PATIENCE - 1, 5),
        (PATIENCE, 30),
        (PATIENCE + 10, 60),
        (PATIENCE + 20, 120),
        (500, 120),
    ],
)
def test_the_pace_is_quick_while_that_decides_something_and_slow_later(failures: int, seconds: int) -> None:
    state = Availability(Status.UP, NOW, failures)
    assert polling.next_poll_at(state, NOW, PACE, place=0) == NOW + timedelta(seconds=seconds)


def test_a_poll_that_was_late_makes_no_other_one_late() -> None:
    for late_s in (0, 0.4, 10, 14):
        at = polling.next_poll_at(RUNNING, NOW + timedelta(seconds=12 + late_s), PACE, place=0.4)
        assert at == NOW + timedelta(seconds=42), late_s


def test_one_that_comes_just_before_the_next_stands_for_it() -> None:
    at = polling.next_poll_at(RUNNING, NOW + timedelta(seconds=12 + 16), PACE, place=0.4)
    assert at == NOW + timedelta(seconds=72)


def test_devices_fill_an_interval_evenly() -> None:
    due = [polling.next_poll_at(RUNNING, NOW, PACE, polling.place(number)) for number in range(4, 4_000, 4)]  # of one shard
    per_second = Counter(int((at - NOW).total_seconds()) for at in due)
    assert len(per_second) in {30, 31}
    assert max(per_second.values()) <= 36


def test_walks_of_devices_that_came_together_drift_apart() -> None:
    assert polling.next_walk_at(NOW, 0) == NOW + timedelta(hours=1)
    assert polling.next_walk_at(NOW, 0.999) < NOW + timedelta(minutes=46)


@pytest.mark.parametrize(
    ("walk_due_for_s", "poll_due_for_s", "walks"),
    [(-1, 0, False), (0, 0, True), (600, 19, True), (600, 21, False), (3_601, 600, True)],
)
def test_a_late_poll_does_without_its_walk(walk_due_for_s: int, poll_due_for_s: int, walks: bool) -> None:
    walk_due_at, poll_due_at = (NOW - timedelta(seconds=ago_s) for ago_s in (walk_due_for_s, poll_due_for_s))
    assert polling.walks(walk_due_at, poll_due_at, NOW) is walks


@pytest.mark.parametrize(("walked_before_s", "soon_s"), [(3_000, 0), (60, 240), (0, 300)])
def test_a_device_that_is_not_as_planned_is_walked_soon_but_not_all_the_time(walked_before_s: int, soon_s: int) -> None:
    walked_at = NOW - timedelta(seconds=walked_before_s)
    assert polling.early_walk_at(walked_at, NOW) == NOW + timedelta(seconds=soon_s)


def test_a_silent_device_of_a_silent_site_is_put_off_by_an_interval() -> None:
    assert NOW + timedelta(seconds=30) <= polling.put_off_until(NOW, PACE, 0.5) <= NOW + timedelta(seconds=33)


def test_who_fell_silent_is_asked_more_often_until_that_is_certain() -> None:
    assert [polling.retries(failures) for failures in range(5)] == [1, 3, 3, 1, 1]
