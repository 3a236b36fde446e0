"""From samples to the line of a chart and the table that says the same."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

WIDTH, HEIGHT = 720.0, 120.0
BUCKETS = 144
GAP_BUCKETS = 2
"""Silence of more than so many buckets is a gap in the line: nothing is drawn where nothing was said."""
ROWS = 24

Point = tuple[datetime, float]


@dataclass(frozen=True)
class Span:
    begin: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.begin

    def x(self, at: datetime) -> float:
        return round(min(1.0, max(0.0, (at - self.begin) / self.length)) * WIDTH, 1)


@dataclass(frozen=True)
class Row:
    at: datetime
    low: float
    mean: float
    high: float


@dataclass(frozen=True)
class Line:
    """`segments` are `points` of SVG polylines in a box of WIDTH x HEIGHT; a single point is drawn as a short dash."""

    segments: Sequence[str]
    low: float
    high: float
    latest: float
    rows: Sequence[Row]


def line(points: Sequence[Point], span: Span, floor: float | None = 0.0) -> Line | None:
    """None without points. `floor`: the value at the bottom, or None for the lowest there is."""
    inside = sorted(point for point in points if span.begin <= point[0] <= span.end)
    if not inside:
        return None
    means = list(_rows(inside, span, BUCKETS))
    values = [value for _at, value in inside]
    bottom = min(values) if floor is None else min(floor, *values)
    top = max(values)
    drawn = [_polyline(run, span, bottom, top) for run in _runs(means, span)]
    return Line(drawn, min(values), top, inside[-1][1], list(_rows(inside, span, ROWS)))


def _rows(points: Iterable[Point], span: Span, buckets: int) -> Iterator[Row]:
    width = span.length / buckets
    gathered: dict[int, list[float]] = {}
    for at, value in points:
        gathered.setdefault(min(buckets - 1, int((at - span.begin) / width)), []).append(value)
    for bucket, values in sorted(gathered.items()):
        middle = span.begin + width * (bucket + 0.5)
        yield Row(middle, min(values), round(sum(values) / len(values), 3), max(values))


def _runs(rows: Sequence[Row], span: Span) -> Iterator[list[Row]]:
    longest = span.length / BUCKETS * (GAP_BUCKETS + 0.5)
    run: list[Row] = []
    for row in rows:
        if run and row.at - run[-1].at > longest:
            yield run
            run = []
        run.append(row)
    if run:
        yield run


def _polyline(run: Sequence[Row], span: Span, bottom: float, top: float) -> str:
    height = (top - bottom) or 1.0
    points = [(span.x(row.at), round(HEIGHT - 2 - (HEIGHT - 4) * (row.mean - bottom) / height, 1)) for row in run]
    if len(points) == 1:
        points.append((points[0][0] + WIDTH / BUCKETS, points[0][1]))
    return " ".join(f"{x},{y}" for x, y in points)


@dataclass(frozen=True)
class Band:
    """A stretch of time to be marked behind the line."""

    x: float
    width: float
    title: str


def band(begin: datetime, end: datetime | None, span: Span, title: str) -> Band:
    left = span.x(begin)
    return Band(left, max(2.0, round(span.x(end or span.end) - left, 1)), title)
