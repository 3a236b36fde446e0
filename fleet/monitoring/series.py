"""A device's past, read back: polls, hours or days, whichever the span asks for. At most three queries, however long."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from math import isfinite

from django.db import models
from django.utils import timezone

from fleet.monitoring.models import DailySample, HourlySample, Layout, Sample
from fleet.monitoring.rules import chart
from fleet.monitoring.rules.chart import Point, Span
from fleet.monitoring.rules.packing import unpack
from fleet.monitoring.rules.rollup import HOUR, Grain, day_of, hour_of, summary_at

Wanted = Callable[[str], bool]
Raw = list[tuple[datetime, float]]
Row = tuple[datetime, int, bytes]
"""When, which layout, the packed values."""
NOT_YET = 2
"""So many of the latest hours (or days) may not be rolled up yet: they are made up from what is finer."""


@dataclass(frozen=True)
class Series:
    """`points` by name, in order of time; `names` are all that were kept in that time, wanted or not."""

    grain: Grain
    points: Mapping[str, Sequence[Point]]
    names: frozenset[str]


def read(device_id: int, span: Span, wanted: Wanted, *, each: bool = False) -> Series:
    """`wanted`: which names are read. Polls are gathered into as many points as a chart shows, unless `each` is wanted."""
    grain = chart.grain(span)
    if grain is Grain.POLL:
        rows = _rows(Sample, "polled_at", device_id, span)
        names = _names(rows)
        gather = chart.points if each else partial(chart.bucketed, span=span)
        points = {name: gather(said) for name, said in _values(rows, names, wanted).items()}
    else:
        rows, finer = _rolled_up(grain, device_id, span)
        names = _names([*rows, *finer])
        points = _summaries(rows, names, wanted)
        _append(points, _latest(grain, finer, names, wanted))
    return Series(grain, points, frozenset(name for one in names.values() for name in one))


def by_hour(wanted: Collection[tuple[int, str]], span: Span) -> dict[tuple[int, str], list[Point]]:
    """The hours of the span in which something was said. `wanted`: (device, name of a value), for a few devices.

    At most three queries, however many are wanted: the hours that are rolled up, and the polls of the latest ones.
    """
    devices = {device_id for device_id, _name in wanted}
    rolled = _of_devices(HourlySample, "begin", devices, span)
    polls = _of_devices(Sample, "polled_at", devices, Span(max(span.begin, hour_of(span.end) - NOT_YET * HOUR), span.end))
    names = _names([row for rows in (*rolled.values(), *polls.values()) for row in rows])
    found: dict[tuple[int, str], list[Point]] = {}
    for device_id, name in wanted:
        hours = _summaries(rolled[device_id], names, name.__eq__)[name]
        known = {point.at for point in hours}
        latest = chart.gathered(chart.points(_values(polls[device_id], names, name.__eq__).get(name, ())), hour_of)
        found[device_id, name] = [*hours, *(point for point in latest if point.at not in known)]
    return found


def _of_devices(model: type[models.Model], by: str, device_ids: Iterable[int], span: Span) -> dict[int, list[Row]]:
    ids = list(device_ids)
    within = {f"{by}__gte": span.begin, f"{by}__lt": span.end}
    rows = model._default_manager.filter(device_id__in=ids, **within).order_by(by)
    found: dict[int, list[Row]] = {pk: [] for pk in ids}
    for device_id, at, layout_id, values in rows.values_list("device_id", by, "layout_id", "values"):
        found[device_id].append((at, layout_id, bytes(values)))
    return found


def _rows(model: type[models.Model], by: str, device_id: int, span: Span) -> list[Row]:
    return _of_devices(model, by, [device_id], span)[device_id]


def _rolled_up(grain: Grain, device_id: int, span: Span) -> tuple[list[Row], list[Row]]:
    """The roll-ups, and from where they end the rows that they have still to be made of."""
    if grain is Grain.HOUR:
        rows = _rows(HourlySample, "begin", device_id, span)
        return rows, _rows(Sample, "polled_at", device_id, Span(_open_since(rows, span, HOUR), span.end))
    rows = _rows(DailySample, "begin", device_id, span)
    return rows, _rows(HourlySample, "begin", device_id, Span(_open_since(rows, span, chart.DAY), span.end))


def _open_since(rows: Sequence[Row], span: Span, step: timedelta) -> datetime:
    earliest = _begin_of(step)(span.end - NOT_YET * step)
    last_end = _begin_of(step)(rows[-1][0] + 1.5 * step) if rows else span.begin
    return min(max(earliest, last_end), span.end)


def _begin_of(step: timedelta) -> Callable[[datetime], datetime]:
    return hour_of if step == HOUR else partial(day_of, zone=timezone.get_default_timezone())


def _names(rows: Iterable[Row]) -> dict[int, list[str]]:
    return dict(Layout.objects.filter(pk__in={layout_id for _at, layout_id, _values in rows}).values_list("pk", "names"))


def _positions(names: Mapping[int, Sequence[str]], wanted: Wanted) -> dict[int, list[tuple[int, str]]]:
    return {pk: [(n, name) for n, name in enumerate(said) if wanted(name)] for pk, said in names.items()}


def _values(rows: Iterable[Row], names: Mapping[int, Sequence[str]], wanted: Wanted) -> dict[str, Raw]:
    found: defaultdict[str, Raw] = defaultdict(list)
    positions = _positions(names, wanted)
    for at, layout_id, packed in rows:
        values = unpack(packed)
        for position, name in positions[layout_id]:
            if isfinite(values[position]):
                found[name].append((at, values[position]))
    return found


def _summaries(rows: Iterable[Row], names: Mapping[int, Sequence[str]], wanted: Wanted) -> defaultdict[str, list[Point]]:
    found: defaultdict[str, list[Point]] = defaultdict(list)
    positions = _positions(names, wanted)
    for at, layout_id, packed in rows:
        for position, name in positions[layout_id]:
            if (said := summary_at(packed, position)) is not None:
                found[name].append(Point(at, said))
    return found


def _latest(
    grain: Grain, finer: Sequence[Row], names: Mapping[int, Sequence[str]], wanted: Wanted
) -> dict[str, list[Point]]:
    if grain is Grain.HOUR:
        said = {name: chart.points(values) for name, values in _values(finer, names, wanted).items()}
    else:
        said = dict(_summaries(finer, names, wanted))
    begin_of = _begin_of(HOUR if grain is Grain.HOUR else chart.DAY)
    return {name: chart.gathered(points, begin_of) for name, points in said.items()}


def _append(points: defaultdict[str, list[Point]], latest: Mapping[str, Sequence[Point]]) -> None:
    for name, more in latest.items():
        points[name].extend(more)
