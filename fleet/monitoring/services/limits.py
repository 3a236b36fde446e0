"""Which limits hold where, kept in this process, and changing them."""

import time
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count, Max
from django.utils import timezone

from fleet.devices.models import Device, DeviceType
from fleet.monitoring import metrics
from fleet.monitoring.metrics import Threshold
from fleet.monitoring.models import ThresholdOverride
from fleet.monitoring.rules.limits import Book, Level, Limit, Override, Place
from fleet.people.models import User
from fleet.sites.models import Authority

LOOK_EVERY_S = 10.0
"""So long another process may not have heard of a change."""

Version = tuple[Any, ...]


@dataclass
class _Kept:
    book: Book | None = None
    version: Version = ()
    look_at: float = 0.0


_kept = _Kept()


def book() -> Book:
    """All limits. Now and then one small query tells whether they are still the ones that were read."""
    if _kept.book is None or time.monotonic() >= _kept.look_at:
        version = _version()
        if _kept.book is None or version != _kept.version:
            _kept.book, _kept.version = read(), version
        _kept.look_at = time.monotonic() + LOOK_EVERY_S
    return _kept.book


def forget() -> None:
    """The next who asks reads anew."""
    _kept.book = None


def read() -> Book:
    rows = ThresholdOverride.objects.filter(metric__in=metrics.known())
    return Book(metrics.known(), [_override(row) for row in rows])


def _version() -> Version:
    said = ThresholdOverride.objects.aggregate(count=Count("pk"), newest=Max("pk"), changed=Max("changed_at"))
    return tuple(said.values())


def _override(row: ThresholdOverride) -> Override:
    place = Place(row.authority_id, row.kind, row.site_id, row.device_id)
    return Override(Level(row.level), place, row.metric, _threshold(row))


def _threshold(row: ThresholdOverride) -> Threshold | None:
    if row.off or row.open is None or row.clear is None or row.hold_s is None:
        return None
    severity: Any = row.severity
    return Threshold(open=row.open, clear=row.clear, hold_s=row.hold_s, severity=severity)


def place_of(device: Device) -> Place:
    return Place(device.authority_id, device.kind, device.site_id, device.pk)


def set_limit(*, place: Place, level: Level, metric: str, threshold: Threshold | None, by: User | None) -> Limit:
    """What holds there from now on (None: no alert). Is it what holds above anyway, nothing is kept.

    Raises KeyError for a metric that nobody knows.
    """
    metrics.known()[metric]
    with transaction.atomic():
        _take_turns(place)
        _rows(place, level, metric).delete()
        if not needless(read(), place, level, metric, threshold):
            _row(place, level, metric, threshold, by).save(force_insert=True)
        return _settle(place, level, metric)


def back_to_default(*, place: Place, level: Level, metric: str) -> Limit:
    """From now on what applies above applies here too. Raises KeyError for a metric that nobody knows."""
    metrics.known()[metric]
    with transaction.atomic():
        _take_turns(place)
        _rows(place, level, metric).delete()
        return _settle(place, level, metric)


def _take_turns(place: Place) -> None:
    """Two who change limits of an authority at once do so one after the other."""
    Authority.objects.select_for_update(no_key=True).get(pk=place.authority_id)


def _settle(place: Place, level: Level, metric: str) -> Limit:
    """A change above can make what was set below the same as what applies there anyway: that is dropped."""
    _drop_needless(place.authority_id, metric, ThresholdOverride.Level.SITE)
    _drop_needless(place.authority_id, metric, ThresholdOverride.Level.DEVICE)
    forget()
    transaction.on_commit(forget, robust=True)
    return read().limit(metric, place, level)


def _drop_needless(authority_id: int, metric: str, level: str) -> None:
    rows = ThresholdOverride.objects.filter(authority=authority_id, metric=metric, level=level).select_related("device")
    book = read()
    for row in rows:
        place = Place(authority_id, row.device.kind if row.device else "", row.site_id, row.device_id)
        if needless(book, place, Level(level), metric, _threshold(row)):
            row.delete()


def needless(book: Book, place: Place, level: Level, metric: str, threshold: Threshold | None) -> bool:
    """Whether that holds there anyway; at a site, for every kind of device that it could have."""
    if level is not Level.SITE:
        return book.above(metric, place, level).threshold == threshold
    return all(limit.threshold == threshold for limit in of_kinds(book, place.authority_id, metric).values())


def of_kinds(book: Book, authority_id: int, metric: str) -> dict[str, Limit]:
    """{kind of device: what holds for it at the authority}."""
    return {kind: book.limit(metric, Place(authority_id, kind), Level.KIND) for kind in DeviceType.Kind.values}


def _rows(place: Place, level: Level, metric: str) -> Any:
    wanted: dict[Level, dict[str, Any]] = {
        Level.KIND: {"authority_id": place.authority_id, "kind": place.kind},
        Level.SITE: {"site_id": place.site_id},
        Level.DEVICE: {"device_id": place.device_id},
    }
    return ThresholdOverride.objects.filter(level=level, metric=metric, **wanted[level])


def _row(place: Place, level: Level, metric: str, threshold: Threshold | None, by: User | None) -> ThresholdOverride:
    numbers: dict[str, Any] = threshold.model_dump() if threshold else {"off": True}
    return ThresholdOverride(
        level=level,
        authority_id=place.authority_id,
        site_id=place.site_id if level is not Level.KIND else None,
        device_id=place.device_id if level is Level.DEVICE else None,
        kind=place.kind if level is Level.KIND else "",
        metric=metric,
        changed_by=by,
        changed_at=timezone.now(),
        **numbers,
    )
