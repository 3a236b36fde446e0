"""Charts: gaps stay gaps, and the table says the same as the line."""

from datetime import UTC, datetime, timedelta

from fleet.monitoring.rules import chart
from fleet.monitoring.rules.chart import HEIGHT, WIDTH, Span

BEGIN = datetime(2026, 11, 23, tzinfo=UTC)
DAY = Span(BEGIN, BEGIN + timedelta(days=1))


def every(minutes: int, *hours: tuple[int, int]) -> list[tuple[datetime, float]]:
    return [
        (BEGIN + timedelta(minutes=at), float(at)) for begin, end in hours for at in range(begin * 60, end * 60, minutes)
    ]


def test_without_points_there_is_no_line() -> None:
    assert chart.line([(BEGIN - timedelta(days=1), 3.0)], DAY) is None


def test_silence_is_a_gap() -> None:
    found = chart.line(every(5, (0, 6), (9, 24)), DAY)
    assert found is not None
    assert len(found.segments) == 2
    assert (found.low, found.high, found.latest) == (0, 1435, 1435)


def test_all_points_lie_inside_of_the_box() -> None:
    found = chart.line(every(5, (0, 24)), DAY)
    assert found is not None
    for pair in found.segments[0].split():
        x, y = map(float, pair.split(","))
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT


def test_the_table_has_lowest_mean_and_highest_of_each_hour() -> None:
    found = chart.line(every(30, (0, 24)), DAY)
    assert found is not None
    assert len(found.rows) == 24
    assert (found.rows[1].low, found.rows[1].mean, found.rows[1].high) == (60, 75, 90)


def test_a_single_answer_is_visible() -> None:
    found = chart.line([(BEGIN + timedelta(hours=3), 7.0)], DAY)
    assert found is not None
    assert len(found.segments[0].split()) == 2


def test_an_open_outage_reaches_to_the_end() -> None:
    band = chart.band(BEGIN + timedelta(hours=12), None, DAY, "down")
    assert (band.x, band.width) == (WIDTH / 2, WIDTH / 2)
