"""When a site is judged again."""

from datetime import UTC, datetime, timedelta

import pytest

from fleet.monitoring.rules import polling
from fleet.monitoring.rules.causes import RELEASE_AFTER
from fleet.monitoring.rules.doubts import ANYWAY, LATEST, SOONEST, Found, look_again_at
from fleet.monitoring.rules.polling import CONFIRM, PATIENCE, Availability, Status

NOW = datetime(2026, 11, 25, 7, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("found", "after"),
    [
        (Found(NOW), None),
        (Found(NOW - HOUR, troubled=True), ANYWAY),
        (Found(NOW - timedelta(seconds=20), waiting=True, troubled=True), SOONEST),
        (Found(NOW - timedelta(seconds=200), waiting=True, troubled=True), timedelta(seconds=10)),
        (Found(NOW - HOUR, waiting=True, troubled=True), LATEST),
        (Found(NOW - HOUR, held=True, troubled=True), LATEST),
        (Found(NOW - timedelta(seconds=60), gathered=True, troubled=True), SOONEST),
        (Found(NOW - RELEASE_AFTER - HOUR, gathered=True, troubled=True), ANYWAY),
        (Found(NOW - HOUR, troubled=True, turning=[NOW + timedelta(seconds=9), NOW - HOUR]), timedelta(seconds=9)),
        (Found(NOW - HOUR, troubled=True, turning=[NOW + HOUR]), ANYWAY),
    ],
)
def test_when_a_site_is_looked_at_again(found: Found, after: timedelta | None) -> None:
    assert look_again_at(found, NOW) == (None if after is None else NOW + after)


def test_a_device_brings_its_site_in_doubt_when_found_down_when_patience_ends_and_when_it_is_back() -> None:
    before, doubted = Availability(Status.UP, NOW - HOUR), []
    for failures in range(1, PATIENCE + 20):
        after = polling.failed(before, "timeout", NOW)
        if polling.doubtful(before, after):
            doubted.append(failures)
        before = after
    assert doubted == [CONFIRM, PATIENCE]
    assert polling.doubtful(before, polling.answered(before, NOW))
    assert not polling.doubtful(polling.answered(before, NOW), polling.answered(before, NOW))
