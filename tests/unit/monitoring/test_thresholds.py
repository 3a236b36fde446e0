"""Limits: open and clear apart, only what lasts, and what is held open because it comes and goes."""

from datetime import UTC, datetime, timedelta

import pytest

from fleet.monitoring.metrics import Threshold
from fleet.monitoring.rules.thresholds import Step, Watch, judge, lasting, suspicious

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
LONG_AGO, JUST_NOW = NOW - timedelta(minutes=11), NOW - timedelta(minutes=9)
HOT = Threshold(open=75, clear=68, hold_s=600, severity="warning")
EMPTY = Threshold(open=3, clear=10, hold_s=0, severity="warning")
WELL, ALERTING, HELD = (False, False), (True, False), (True, True)


@pytest.mark.parametrize(
    ("limit", "value", "since", "alert", "step", "beyond_since"),
    [
        (HOT, 70, None, WELL, Step.NONE, None),
        (HOT, 75, None, WELL, Step.NONE, NOW),
        (HOT, 80, JUST_NOW, WELL, Step.NONE, JUST_NOW),
        (HOT, 80, LONG_AGO, WELL, Step.OPEN, LONG_AGO),
        (HOT, 70, LONG_AGO, WELL, Step.NONE, None),  # below again before it counted
        (HOT, 70, LONG_AGO, ALERTING, Step.NONE, LONG_AGO),  # between the two: it stays as it is
        (HOT, 68, LONG_AGO, ALERTING, Step.CLOSE, None),
        (EMPTY, 3, None, WELL, Step.OPEN, NOW),
        (EMPTY, 4, None, WELL, Step.NONE, None),
        (EMPTY, 9, LONG_AGO, ALERTING, Step.NONE, LONG_AGO),
        (EMPTY, 10, LONG_AGO, ALERTING, Step.CLOSE, None),
        (HOT, 60, None, HELD, Step.CLOSE, None),  # whether it may close, the changes tell
        (HOT, 80, None, HELD, Step.NONE, NOW),
        (HOT, 80, LONG_AGO, HELD, Step.RECUR, LONG_AGO),
        (None, 99, LONG_AGO, ALERTING, Step.CLOSE, None),  # somebody took the limit away
        (None, 99, None, WELL, Step.NONE, None),
    ],
)
def test_judge(
    limit: Threshold | None,
    value: float,
    since: datetime | None,
    alert: tuple[bool, bool],
    step: Step,
    beyond_since: datetime | None,
) -> None:
    assert judge(limit, value, Watch(since, *alert), NOW) == (step, beyond_since)


@pytest.mark.parametrize(
    ("heard_min_ago", "interval_s", "lasts"),
    [
        (None, 30, True),
        (0.5, 30, True),
        (3, 30, True),
        (3.1, 30, False),
        (120, 30, False),
        (20, 300, True),
        (20.1, 300, False),
    ],
)
def test_what_was_in_a_gap_nobody_knows(heard_min_ago: float | None, interval_s: float, *, lasts: bool) -> None:
    heard_at = None if heard_min_ago is None else NOW - timedelta(minutes=heard_min_ago)
    assert lasting(LONG_AGO, heard_at, NOW, interval_s) == (LONG_AGO if lasts else None)


@pytest.mark.parametrize(
    ("values", "beyond", "expected"),
    [
        ({"heat": 70}, [], False),
        ({"heat": 75}, [], True),
        ({"heat": 60}, ["heat"], True),
        ({"other": 10**9}, [], False),
        ({}, [], False),
    ],
)
def test_only_what_is_or_was_beyond_is_looked_at(values: dict[str, float], beyond: list[str], *, expected: bool) -> None:
    assert suspicious({"heat": HOT}, values, beyond) is expected
