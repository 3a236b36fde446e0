"""Retention: what is due, a look at it beforehand, and deleting it in small batches that survive being killed."""

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from fleet.events.services import Fact, emit
from fleet.people.models import User
from fleet.sites.models import Authority
from helpdesk.privacy import retention, seeing
from helpdesk.privacy.models import Deletion, Keeping, KeepingRun, Period
from helpdesk.privacy.retention import Kind
from helpdesk.privacy.rules import periods
from helpdesk.privacy.services.removing import remove

BATCH = 200
"""Rows that go in one transaction: on SQLite nobody else writes meanwhile."""
LEASE = timedelta(minutes=5)
AT_A_TIME_S = 40.0
MOST_COUNTED = 100_000
"""The dry run says «more than» beyond that: counting must not cost more than deleting."""
SAMPLE = 5


class TakenOverError(Exception):
    """Another worker has gone on with this meanwhile; nothing of the batch was written."""


class PeriodError(ValueError):
    """The period lies outside of what is allowed for that kind; `least` and `most` say how far."""

    def __init__(self, least: int, most: int) -> None:
        super().__init__(f"{least}..{most}")
        self.least, self.most = least, most


@dataclass(frozen=True)
class Slice:
    """One rule as it holds for one authority, or (0) as delivered for all who chose no other."""

    kind: Kind
    authority_id: int
    days: int
    excluded: frozenset[int] = frozenset()
    """Authorities that have a slice of their own, or where nothing is deleted yet."""

    def due(self, day: date) -> models.QuerySet[Any]:
        """Rows that have been kept long enough on `day` (local)."""
        model = self.kind.rows
        assert model is not None  # noqa: S101  (slices are made of kinds that are ours)
        before = periods.cutoff(day, self.days, timezone.get_default_timezone())
        rows = model._base_manager.filter(**self.kind.where, **{f"{self.kind.start}__lt": before})
        if self.kind.becomes:
            rows = rows.exclude(**self.kind.becomes)
        return self._of_authority(rows)

    def _of_authority(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        if self.authority_id:
            return rows.filter(**{self.kind.authority: self.authority_id})
        if not (self.kind.authority and self.excluded):
            return rows
        others = Q(**{f"{self.kind.authority}__in": self.excluded})
        return rows.filter(~others | Q(**{f"{self.kind.authority}__isnull": True}))


@dataclass(frozen=True)
class Due:
    """What would go today by one rule, of what the reader may see. `count` is at most MOST_COUNTED + 1."""

    kind: Kind
    days: int
    count: int
    sample: list[str]

    @property
    def more(self) -> bool:
        return self.count > MOST_COUNTED


# --- periods ----------------------------------------------------------------------------------------------------------


def effective(authority_id: int) -> list[tuple[Kind, int]]:
    """Every kind with the days that hold for this authority."""
    own = dict(Period.objects.filter(authority_id=authority_id).values_list("kind", "days"))
    return [(kind, own.get(slug, kind.period()) if kind.may_be_moved else kind.period()) for slug, kind in _kinds()]


def set_period(*, authority: Authority, kind: Kind, days: int, by: User) -> None:
    """Kept as a row only where it differs. Raises PeriodError."""
    if not kind.may_be_moved or not periods.within(days, kind.least, kind.most):
        raise PeriodError(kind.least, kind.most)
    with transaction.atomic():
        _wait(authority)
        if periods.to_be_stored(days, kind.days):
            Period.objects.update_or_create(
                authority=authority, kind=kind.slug, defaults={"days": days, "by": by, "at": timezone.now()}
            )
        else:
            Period.objects.filter(authority=authority, kind=kind.slug).delete()
        _tell("period-set", authority, by, {"kind": kind.slug, "days": days})


def switch(*, authority: Authority, on: bool, by: User) -> None:
    """Put the rules in force, or stop deleting: a batch that is under way ends first."""
    with transaction.atomic():
        _wait(authority)
        if on:
            Keeping.objects.get_or_create(authority=authority, defaults={"by": by})
        else:
            Keeping.objects.filter(authority=authority).delete()
        _tell("retention-switched", authority, by, {"on": on})


def _wait(authority: Authority) -> None:
    """For the batch that is deleting by the rules as they are; none begins until this transaction ends."""
    list(Keeping.objects.filter(authority=authority).select_for_update())


def _tell(what: str, authority: Authority, by: User, payload: dict[str, Any]) -> None:
    emit(
        Fact(name=f"privacy.{what}", subject=authority, authority_id=authority.pk, actor_id=by.pk, payload=payload),
    )


def _kinds() -> list[tuple[str, Kind]]:
    return list(retention.kinds().items())


# --- looking ----------------------------------------------------------------------------------------------------------


def dry_run(*, authority_id: int, reader: User, today: date | None = None) -> list[Due]:
    """What would be deleted of this authority today, whether its rules are in force or not. Nothing is written."""
    day = today or timezone.localdate()
    return [_look(Slice(kind, authority_id, days), day, reader) for kind, days in effective(authority_id) if kind.is_ours]


def _look(one: Slice, day: date, reader: User) -> Due:
    if not one.kind.authority:  # the same for everybody: no authority's names are shown
        rows = Slice(one.kind, 0, one.days).due(day)
        return Due(one.kind, one.days, rows[: MOST_COUNTED + 1].count(), [])
    rows = seeing.seen_by(reader, one.due(day))
    return Due(one.kind, one.days, rows[: MOST_COUNTED + 1].count(), [str(row) for row in rows.order_by("pk")[:SAMPLE]])


def next_run(now: datetime | None = None) -> datetime:
    local = timezone.localtime(now)
    done = KeepingRun.objects.filter(day=local.date(), ended_at__isnull=False).exists()
    return periods.next_run(local, done)


# --- deleting ---------------------------------------------------------------------------------------------------------


def slices() -> list[Slice]:
    """Each rule once for every authority with a period of its own, and once for the rest; only where it is in force."""
    on = set(Keeping.objects.values_list("authority_id", flat=True))
    off = set(Authority.objects.exclude(pk__in=on).values_list("pk", flat=True))
    own: dict[str, dict[int, int]] = {}
    for kind, authority_id, days in Period.objects.filter(authority_id__in=on).values_list("kind", "authority_id", "days"):
        own.setdefault(kind, {})[authority_id] = days
    return [one for slug, kind in _kinds() if kind.is_ours and on for one in _slices_of(kind, own.get(slug, {}), off)]


def _slices_of(kind: Kind, own: dict[int, int], off: Collection[int]) -> Iterator[Slice]:
    for authority_id, days in sorted(own.items()):
        yield Slice(kind, authority_id, days)
    yield Slice(kind, 0, kind.days, frozenset(own) | frozenset(off))


def work(*, now: datetime | None = None, seconds: float = AT_A_TIME_S) -> int:
    """Go on with what is due today, from the night on; returns how many rows that were. Any number of workers at once."""
    moment = timezone.localtime(now)
    run = _claimed(moment)
    if run is None:
        return 0
    began, gone = time.monotonic(), 0
    try:
        for one in slices():
            log = _log_row(run, one)
            while log.ended_at is None:
                if time.monotonic() - began > seconds:
                    return gone
                gone += batch(log, one, run.day)
    except TakenOverError:
        return gone
    else:
        KeepingRun.objects.filter(pk=run.pk).update(ended_at=timezone.now())
        return gone
    finally:
        KeepingRun.objects.filter(pk=run.pk).update(claimed_until=moment)


def _claimed(now: datetime) -> KeepingRun | None:
    if now.hour < periods.FIRST_HOUR or not Keeping.objects.exists():
        return None
    run, _created = KeepingRun.objects.get_or_create(day=now.date(), defaults={"claimed_until": now})
    free = KeepingRun.objects.filter(pk=run.pk, ended_at__isnull=True, claimed_until__lte=now)
    return run if free.update(claimed_until=now + LEASE) == 1 else None


def _log_row(run: KeepingRun, one: Slice) -> Deletion:
    said = {"days": one.days, "happens": one.kind.happens}
    return Deletion.objects.get_or_create(run=run, kind=one.kind.slug, authority_id=one.authority_id, defaults=said)[0]


def batch(log: Deletion, one: Slice, day: date) -> int:
    """Some rows and their count in the log in one transaction: killed in between, neither has happened.

    A rule that is no longer in force, or has got another period, is over for today.
    """
    after = {"pk__gt": log.after} if log.after else {}
    keys = list(one.due(day).filter(**after).order_by("pk").values_list("pk", flat=True)[:BATCH])
    last = str(keys[-1]) if keys else log.after
    with transaction.atomic():
        rule = _in_force(one)
        over = timezone.now() if rule is None or len(keys) < BATCH else None
        mine = Deletion.objects.filter(pk=log.pk, after=log.after, ended_at__isnull=True)
        if mine.update(after=last, ended_at=over) != 1:
            raise TakenOverError
        count, held = _carry_out(rule, rule.due(day).filter(pk__in=keys)) if rule else (0, 0)
        Deletion.objects.filter(pk=log.pk).update(count=F("count") + count, held=F("held") + held)
        KeepingRun.objects.filter(pk=log.run_id).update(claimed_until=timezone.now() + LEASE)
    log.after, log.ended_at = last, over
    return count


def _in_force(one: Slice) -> Slice | None:
    """The rule as it holds now and until this transaction ends, perhaps for fewer authorities."""
    list(Keeping.objects.order_by("pk").select_for_update())
    return next((now for now in slices() if replace(now, excluded=one.excluded) == one), None)


def _carry_out(one: Slice, rows: models.QuerySet[Any]) -> tuple[int, int]:
    """What is no longer due (a ticket was opened again meanwhile) is left alone: the rule is asked again here."""
    locked = list(rows.select_for_update(of=("self",)))
    if one.kind.happens == "anonymise":
        return rows.filter(pk__in=[row.pk for row in locked]).update(**one.kind.becomes), 0
    removed = remove(locked)
    return removed.count, removed.held
