"""From points in time to the line of a chart, the band around it, its ticks, and the table that says the same."""

import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise

from fleet.monitoring.rules.rollup import HOUR, Grain, Summary, day_of, hour_of

WIDTH, HEIGHT = 720.0, 120.0
BUCKETS = 144
"""So many stretches of time a chart of single polls is divided into: ten minutes of a day."""
GAP = 2.5
"""Silence of more than so many steps is a gap: nothing is drawn where nothing was said."""
DAY = timedelta(days=1)
POLLS_FOR, HOURS_FOR = timedelta(hours=48), timedelta(days=62)
"""Up to these lengths of time single polls are shown, then hours, beyond it days."""
MOST_TICKS = 8
LITTLE, ROOM, SHORTEST = 0.4, 1.25, timedelta(hours=1)
"""With less history than this share of a span, the span shows what there is, with some room before it."""


@dataclass(frozen=True)
class Span:
    begin: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.begin

    def share(self, at: datetime) -> float:
        """How far along the span: 0 to 1."""
        return min(1.0, max(0.0, (at - self.begin) / self.length))

    def x(self, at: datetime) -> float:
        return round(self.share(at) * WIDTH, 1)


@dataclass(frozen=True, slots=True)
class Point:
    """What was said in the stretch of time that begins `at`."""

    at: datetime
    said: Summary


def fitting(span: Span, since: datetime | None) -> Span:
    """Shorter where there is little history: two hours of it are nothing to be seen on a year. `since`: its beginning."""
    if since is None or span.end - since >= span.length * LITTLE:
        return span
    return Span(max(span.begin, span.end - max(SHORTEST, (span.end - since) * ROOM)), span.end)


def grain(span: Span) -> Grain:
    """The finest of which a span is not too long."""
    if span.length <= POLLS_FOR:
        return Grain.POLL
    return Grain.HOUR if span.length <= HOURS_FOR else Grain.DAY


def step(span: Span) -> timedelta:
    """How long a stretch each point of a chart stands for."""
    return {Grain.POLL: span.length / BUCKETS, Grain.HOUR: HOUR, Grain.DAY: DAY}[grain(span)]


def points(values: Iterable[tuple[datetime, float]]) -> list[Point]:
    """One point for each value."""
    return [Point(at, Summary(1, value, value, value)) for at, value in values]


def bucketed(values: Iterable[tuple[datetime, float]], span: Span) -> list[Point]:
    """Single values gathered into BUCKETS stretches; empty ones are left out."""
    width = span.length / BUCKETS
    gathered: dict[int, list[float]] = {}
    for at, value in values:
        gathered.setdefault(min(BUCKETS - 1, int((at - span.begin) / width)), []).append(value)
    return [
        Point(span.begin + width * bucket, Summary(len(said), min(said), statistics.fmean(said), max(said)))
        for bucket, said in sorted(gathered.items())
    ]


def gathered(points: Iterable[Point], begin_of: Callable[[datetime], datetime]) -> list[Point]:
    """Points brought together by the stretch of time that `begin_of` says they lie in."""
    found: dict[datetime, Summary] = {}
    for point in points:
        begin = begin_of(point.at)
        found[begin] = found[begin] + point.said if begin in found else point.said
    return [Point(begin, said) for begin, said in found.items()]


def runs(points: Sequence[Point], longest: timedelta) -> Iterator[list[Point]]:
    """Points cut where more than `longest` lies between one and the next."""
    run: list[Point] = []
    for point in points:
        if run and point.at - run[-1].at > longest:
            yield run
            run = []
        run.append(point)
    if run:
        yield run


def with_gaps(points: Sequence[Point], step: timedelta | None) -> list[tuple[datetime, Summary | None]]:
    """Every point, and one without a value where a gap begins. `step`: how far apart points are; None: as usual for them."""
    usual = usual_step(points) if step is None else step
    found: list[tuple[datetime, Summary | None]] = []
    for run in runs(points, usual * GAP):
        if found:
            found.append((found[-1][0] + usual, None))
        found += [(point.at, point.said) for point in run]
    return found


def usual_step(points: Sequence[Point]) -> timedelta:
    """How far apart points usually are; for single polls, whose pace depends on the device."""
    between = [(after.at - before.at).total_seconds() for before, after in pairwise(points)]
    return timedelta(seconds=statistics.median(between)) if between else timedelta(0)


# --- drawing ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """`segments` are `points` of SVG polylines (the mean), `areas` of polygons (lowest to highest), in a box of WIDTH x
    HEIGHT. A single point is drawn as a short dash."""

    segments: Sequence[str]
    areas: Sequence[str]
    low: float
    high: float
    latest: float
    rows: Sequence[Point]
    bottom: float
    """The value at the lower edge; `high` is at the upper."""


def line(points: Sequence[Point], span: Span, zone: tzinfo, floor: float | None = 0.0) -> Line | None:
    """None without points. `floor`: the value at the bottom, or None for the lowest there is. `zone`: of the table."""
    if not points:
        return None
    low, high = min(point.said.low for point in points), max(point.said.high for point in points)
    box = _Box(span, step(span), low if floor is None else min(floor, low), high)
    drawn = list(runs(points, step(span) * GAP))
    return Line(
        segments=[box.polyline(run) for run in drawn],
        areas=[box.polygon(run) for run in drawn if len(run) > 1],
        low=low,
        high=high,
        latest=points[-1].said.mean,
        rows=gathered(points, _row_of(span, zone)),
        bottom=box.bottom,
    )


@dataclass(frozen=True)
class _Box:
    span: Span
    step: timedelta
    bottom: float
    top: float

    def polyline(self, run: Sequence[Point]) -> str:
        drawn = [(self.x(point), self.y(point.said.mean)) for point in run]
        if len(drawn) == 1:
            drawn.append((drawn[0][0] + WIDTH / BUCKETS, drawn[0][1]))
        return _pairs(drawn)

    def polygon(self, run: Sequence[Point]) -> str:
        above = [(self.x(point), self.y(point.said.high)) for point in run]
        below = [(self.x(point), self.y(point.said.low)) for point in reversed(run)]
        return _pairs(above + below)

    def x(self, point: Point) -> float:
        return self.span.x(point.at + self.step / 2)

    def y(self, value: float) -> float:
        height = (self.top - self.bottom) or 1.0
        return round(HEIGHT - 2 - (HEIGHT - 4) * (value - self.bottom) / height, 1)


def _pairs(drawn: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in drawn)


def _row_of(span: Span, zone: tzinfo) -> Callable[[datetime], datetime]:
    """A row of the table is an hour, a day or a month on the wall's clock."""
    kind = grain(span)
    if kind is Grain.POLL:
        return hour_of
    return (lambda at: day_of(at, zone)) if kind is Grain.HOUR else (lambda at: _month_of(at, zone))


def _month_of(at: datetime, zone: tzinfo) -> datetime:
    return at.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)


# --- ticks ------------------------------------------------------------------------------------------------------------


def ticks(span: Span, zone: tzinfo) -> list[datetime]:
    """Round times on the wall's clock, at most MOST_TICKS of them: full hours, midnights, or firsts of a month."""
    candidates: Callable[[Span, tzinfo, int], Iterable[datetime]]
    candidates, steps = {
        Grain.POLL: (_hours, (1, 2, 4, 6, 12)),
        Grain.HOUR: (_midnights, (1, 2, 7, 14)),
        Grain.DAY: (_firsts, (1, 2, 3, 6, 12)),
    }[grain(span)]
    for every in (*steps, steps[-1] * 12):
        found = sorted({at for at in candidates(span, zone, every) if span.begin <= at <= span.end})
        if len(found) <= MOST_TICKS:
            break
    return found


def _hours(span: Span, zone: tzinfo, every: int) -> Iterator[datetime]:
    for midnight in _midnights(span, zone, 1):
        for hour in range(0, 24, every):  # one that the clock skips is the next there is, and counts once
            yield midnight.astimezone(zone).replace(hour=hour).astimezone(UTC)


def _midnights(span: Span, zone: tzinfo, every: int) -> Iterator[datetime]:
    at = span.begin.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    while at <= span.end:
        if at.toordinal() % every == 0:
            yield at.astimezone(UTC)
        at += DAY  # the same time of the next day on the wall


def _firsts(span: Span, zone: tzinfo, every: int) -> Iterator[datetime]:
    at = _month_of(span.begin, zone)
    while at <= span.end:
        local = at.astimezone(zone)
        if (local.year * 12 + local.month - 1) % every == 0:
            yield at
        at = _month_of(at + timedelta(days=32), zone)
