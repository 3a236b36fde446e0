"""Marks on a chart, and how they are numbered."""

from datetime import UTC, datetime, timedelta

import pytest

from fleet.monitoring.rules import marks
from fleet.monitoring.rules.chart import WIDTH, Span

BEGIN = datetime(2026, 11, 24, tzinfo=UTC)
DAY = Span(BEGIN, BEGIN + timedelta(days=1))


def at(hour: float) -> datetime:
    return BEGIN + timedelta(hours=hour)


def test_a_stretch_is_as_wide_as_it_is_long_and_an_instant_a_line() -> None:
    stretch, instant, before = marks.marks([(at(12), at(18)), (at(6), None), (at(-5), at(6))], DAY)
    assert (stretch.x, stretch.width, stretch.percent) == (WIDTH / 2, WIDTH / 4, 50)
    assert (instant.number, instant.x, instant.width) == (2, WIDTH / 4, marks.NARROWEST)
    assert (before.x, before.width) == (0, WIDTH / 4)


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ([], []),
        ([6], ["1"]),
        ([1, 12, 23], ["1", "2", "3"]),
        ([6, 6.1, 6.2, 18], ["1–3", "4"]),
        ([0, 24], ["1", "2"]),
    ],
)
def test_numbers_that_would_overlap_are_put_together(hours: list[float], expected: list[str]) -> None:
    labels = marks.labels(marks.marks([(at(hour), None) for hour in hours], DAY))
    assert [label.text for label in labels] == expected
    assert all(label.anchor == "middle" for label in labels if 6 <= label.percent <= 94)
    assert all(label.anchor != "middle" for label in labels if not 6 <= label.percent <= 94)
