"""Charts: gaps stay gaps, bands hold what was said, ticks are round on the wall's clock, the table says the same."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.monitoring.rules import chart
from fleet.monitoring.rules.chart import HEIGHT, WIDTH, Point, Span
from fleet.monitoring.rules.rollup import Grain, Summary

BERLIN = ZoneInfo("Europe/Berlin")
BEGIN = datetime(2026, 11, 23, tzinfo=UTC)
DAY = Span(BEGIN, BEGIN + timedelta(days=1))
WEEK = Span(BEGIN, BEGIN + timedelta(days=7))
YEAR = Span(BEGIN - timedelta(days=365), BEGIN)


def every(minutes: int, *hours: tuple[int, int]) -> list[tuple[datetime, float]]:
    return [
        (BEGIN + timedelta(minutes=at), float(at)) for begin, end in hours for at in range(begin * 60, end * 60, minutes)
    ]


def drawn(values: list[tuple[datetime, float]], span: Span = DAY) -> chart.Line:
    found = chart.line(chart.bucketed(values, span), span, BERLIN)
    assert found is not None
    return found


def hourly(*hours: int) -> list[Point]:
    return [Point(BEGIN + timedelta(hours=one), Summary(2, one - 1, one, one + 1)) for one in hours]


def test_without_points_there_is_no_line() -> None:
    assert chart.line([], DAY, BERLIN) is None


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (timedelta(hours=24), Grain.POLL),
        (timedelta(hours=48), Grain.POLL),
        (timedelta(days=7), Grain.HOUR),
        (timedelta(days=31), Grain.HOUR),
        (timedelta(days=365), Grain.DAY),
    ],
)
def test_the_longer_the_coarser(length: timedelta, expected: Grain) -> None:
    assert chart.grain(Span(BEGIN, BEGIN + length)) is expected


def test_silence_is_a_gap() -> None:
    found = drawn(every(5, (0, 6), (9, 24)))
    assert (len(found.segments), len(found.areas)) == (2, 2)
    assert (found.low, found.high, found.latest) == (0, 1435, 1432.5)


def test_a_missing_hour_of_a_week_is_no_gap_but_two_are() -> None:
    assert len(line_of(hourly(1, 2, 4, 5)).segments) == 1
    assert len(line_of(hourly(1, 2, 5, 6)).segments) == 2


def line_of(points: list[Point], span: Span = WEEK) -> chart.Line:
    found = chart.line(points, span, BERLIN)
    assert found is not None
    return found


def pairs(text: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in text.split())]


@given(st.lists(st.tuples(st.integers(0, 1439), st.floats(-1e6, 1e6)), min_size=1, max_size=60))
def test_everything_lies_inside_of_the_box_and_the_line_inside_of_its_band(said: list[tuple[int, float]]) -> None:
    found = drawn([(BEGIN + timedelta(minutes=at), value) for at, value in said])
    for text in (*found.segments, *found.areas):
        assert all(0 <= x <= WIDTH + WIDTH / chart.BUCKETS and 0 <= y <= HEIGHT for x, y in pairs(text))
    lines = {pairs(one)[0][0]: pairs(one) for one in found.segments}
    for area in found.areas:  # a lone point has a dash and no band
        assert len(pairs(area)) == 2 * len(lines[pairs(area)[0][0]])


def test_a_band_reaches_from_the_lowest_to_the_highest() -> None:
    (area,) = line_of(hourly(1, 2)).areas
    above, _, _, below = pairs(area)
    assert above[0] == below[0] == round(1.5 / 168 * WIDTH, 1)
    assert above[1] < below[1]


def test_the_table_of_a_day_has_its_hours() -> None:
    found = drawn(every(30, (0, 24)))
    assert len(found.rows) == 24
    assert (found.rows[1].at, found.rows[1].said) == (BEGIN + timedelta(hours=1), Summary(2, 60, 75, 90))


def test_the_table_of_a_week_has_its_days_and_that_of_a_year_its_months() -> None:
    week = line_of(hourly(*range(168)))
    assert [row.at.astimezone(BERLIN).hour for row in week.rows] == [0] * 8
    assert [row.said.count for row in week.rows] == [46, *[48] * 6, 2]  # weeks begin in UTC here, days on the wall
    year = line_of([Point(YEAR.begin + timedelta(days=n), Summary(1, n, n, n)) for n in range(365)], YEAR)
    assert [row.at.astimezone(BERLIN).month for row in year.rows] == [11, 12, *range(1, 12)]


def test_a_single_answer_is_visible() -> None:
    found = drawn([(BEGIN + timedelta(hours=3), 7.0)])
    assert len(pairs(found.segments[0])) == 2


@pytest.mark.parametrize(
    ("begin", "length", "expected"),
    [
        ((2026, 11, 25, 10, 17), timedelta(hours=24), ["12", "16", "20", "00", "04", "08"]),
        ((2026, 3, 28, 14, 5), timedelta(hours=24), ["16", "20", "00", "04", "08", "12"]),  # the night that lacks an hour
        ((2026, 10, 24, 14, 5), timedelta(hours=24), ["16", "20", "00", "04", "08", "12"]),  # the one that has it twice
        ((2026, 3, 29, 0, 30), timedelta(hours=5), ["01", "03", "04", "05", "06"]),  # 02:00 does not exist
    ],
)
def test_ticks_of_a_day_are_round_hours_on_the_wall(
    begin: tuple[int, int, int, int, int], length: timedelta, expected: list[str]
) -> None:
    start = datetime(*begin, tzinfo=BERLIN).astimezone(UTC)
    found = chart.ticks(Span(start, start + length), BERLIN)
    assert [f"{at.astimezone(BERLIN):%H}" for at in found] == expected


def test_ticks_of_a_week_are_midnights_and_those_of_a_year_firsts() -> None:
    week = [at.astimezone(BERLIN) for at in chart.ticks(WEEK, BERLIN)]
    assert [(at.day, at.hour) for at in week] == [(day, 0) for day in range(24, 31)]
    year = [at.astimezone(BERLIN) for at in chart.ticks(YEAR, BERLIN)]
    assert [(at.month, at.day, at.hour) for at in year] == [(month, 1, 0) for month in (1, 3, 5, 7, 9, 11)]


@given(st.integers(1_600_000_000, 1_900_000_000), st.integers(3600, 4 * 365 * 86_400))
def test_there_are_never_more_ticks_than_fit(begin_s: int, length_s: int) -> None:
    begin = datetime.fromtimestamp(begin_s, UTC)
    span = Span(begin, begin + timedelta(seconds=length_s))
    found = chart.ticks(span, BERLIN)
    assert len(found) <= chart.MOST_TICKS
    assert found == sorted(set(found))
    assert all(span.begin <= at <= span.end for at in found)


def test_a_gap_is_a_point_without_a_value() -> None:
    found = chart.with_gaps(hourly(1, 2, 3, 7, 8), timedelta(hours=1))
    assert [(at.hour, said.mean if said else None) for at, said in found] == [
        (1, 1),
        (2, 2),
        (3, 3),
        (4, None),
        (7, 7),
        (8, 8),
    ]


def test_single_polls_have_a_gap_where_they_are_farther_apart_than_usual() -> None:
    points = chart.points(every(5, (0, 2), (3, 4)))
    assert [at for at, said in chart.with_gaps(points, None) if said is None] == [BEGIN + timedelta(hours=2)]
    assert [said for _at, said in chart.with_gaps(points[:1], None)] == [points[0].said]
    assert chart.with_gaps([], None) == []


@pytest.mark.parametrize(
    ("span", "history", "expected"),
    [
        pytest.param(YEAR, None, YEAR.length, id="none at all"),
        pytest.param(YEAR, timedelta(days=400), YEAR.length, id="older than the span"),
        pytest.param(YEAR, timedelta(days=200), YEAR.length, id="more than little"),
        pytest.param(YEAR, timedelta(days=8), timedelta(days=10), id="a week on a year"),
        pytest.param(WEEK, timedelta(hours=2), timedelta(hours=2.5), id="two hours on a week"),
        pytest.param(DAY, timedelta(minutes=3), timedelta(hours=1), id="three minutes on a day"),
    ],
)
def test_little_history_is_shown_on_a_shorter_span(span: Span, history: timedelta | None, expected: timedelta) -> None:
    found = chart.fitting(span, span.end - history if history else None)
    assert (found.end, found.length) == (span.end, expected)
