"""When a fault comes and goes too often to be news."""

from datetime import UTC, datetime, timedelta

import pytest

from fleet.monitoring.rules.flapping import KEPT, flaps, noted, weight

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def every(minutes: int, count: int) -> list[datetime]:
    """The latest now, the others before it."""
    return [NOW - timedelta(minutes=minutes * n) for n in reversed(range(count))]


@pytest.mark.parametrize(
    ("changes", "already", "expected"),
    [
        pytest.param([], False, False, id="nothing"),
        pytest.param(every(1, 3), False, False, id="came, went, came"),
        pytest.param(every(5, 4), False, True, id="came and went twice in a quarter of an hour"),
        pytest.param(every(10, 4), False, True, id="twice in half an hour"),
        pytest.param(every(20, 6), False, False, id="every twenty minutes"),
        pytest.param(every(20, 6), True, True, id="every twenty minutes, and it flapped before"),
        pytest.param([at - timedelta(minutes=40) for at in every(1, 6)], True, True, id="rests for forty minutes"),
        pytest.param([at - timedelta(minutes=55) for at in every(1, 6)], True, False, id="has come to rest"),
    ],
)
def test_flaps(changes: list[datetime], *, already: bool, expected: bool) -> None:
    assert flaps(changes, NOW, already=already) is expected


def test_a_change_weighs_less_and_less() -> None:
    assert [weight([NOW - timedelta(minutes=m)], NOW) for m in (0, 30, 60, 90)] == [1, 0.5, 0, 0]


def test_only_the_latest_changes_are_kept() -> None:
    assert noted(every(1, KEPT), NOW)[-2:] == [NOW, NOW]
    assert len(noted(every(1, KEPT), NOW)) == KEPT
