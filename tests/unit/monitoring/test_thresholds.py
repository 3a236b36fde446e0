"""Limits: open and clear apart, and only what lasts."""

from datetime import UTC, datetime, timedelta

import pytest

from fleet.monitoring.metrics import Threshold
from fleet.monitoring.rules.thresholds import Step, Watch, judge

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
LONG_AGO, JUST_NOW = NOW - timedelta(minutes=11), NOW - timedelta(minutes=9)
HOT = Threshold(open=75, clear=68, hold_s=600, severity="warning")
EMPTY = Threshold(open=3, clear=10, hold_s=0, severity="warning")


@pytest.mark.parametrize(
    ("limit", "value", "since", "alerting", "step", "beyond_since"),
    [
        (HOT, 70, None, False, Step.NONE, None),
        (HOT, 75, None, False, Step.NONE, NOW),
        (HOT, 80, JUST_NOW, False, Step.NONE, JUST_NOW),
        (HOT, 80, LONG_AGO, False, Step.OPEN, LONG_AGO),
        (HOT, 70, LONG_AGO, False, Step.NONE, None),  # below again before it counted
        (HOT, 70, LONG_AGO, True, Step.NONE, LONG_AGO),  # between the two: it stays as it is
        (HOT, 68, LONG_AGO, True, Step.CLOSE, None),
        (EMPTY, 3, None, False, Step.OPEN, NOW),
        (EMPTY, 4, None, False, Step.NONE, None),
        (EMPTY, 9, LONG_AGO, True, Step.NONE, LONG_AGO),
        (EMPTY, 10, LONG_AGO, True, Step.CLOSE, None),
    ],
)
def test_judge(
    limit: Threshold,
    value: float,
    since: datetime | None,
    alerting: bool,
    step: Step,
    beyond_since: datetime | None,
) -> None:
    assert judge(limit, value, Watch(since, alerting), NOW) == (step, beyond_since)
