"""Uploaded calendars: looked at first, then taken over as a whole; the last one can be undone.

What a file says replaces what the file before said about the same. A file that cannot be read changes nothing.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.utils import timezone

from fleet.events.services import Fact, emit
from fleet.people.models import User
from fleet.sites.models import CalendarFeed, CalendarImport, ExamPeriod, FreePeriod, Site
from fleet.sites.models.calendar import Content
from fleet.sites.rules import files
from fleet.sites.rules.files import Upload
from fleet.sites.rules.told import Difference, FileError, Told, difference, from_json
from fleet.sites.services import bells
from fleet.sites.services.where import Where

DRAFTS_KEPT = timedelta(days=1)


class Outcome(StrEnum):
    DONE = "done"
    TOO_LATE = "too-late"
    """Taken over or undone already."""
    CHANGED_MEANWHILE = "changed-meanwhile"
    """What held when the person looked does not hold any more."""


def draft(*, where: Where, upload: Upload, by: User | None, today: date | None = None) -> CalendarImport:
    """Take the file apart, so that a person can look at what it would change. Raises FileError and remembers that."""
    feed = _feed(where, upload.content)
    try:
        told = files.read(upload, timezone=where.site.timezone, today=today or timezone.localdate())
    except FileError as error:
        CalendarFeed.objects.filter(pk=feed.pk).update(failed_at=timezone.now(), failure=str(error))
        raise
    CalendarFeed.objects.filter(pk=feed.pk).exclude(failure="").update(failed_at=None, failure="")  # this one could be read
    with transaction.atomic():
        CalendarImport.objects.filter(state="draft", made_at__lt=timezone.now() - DRAFTS_KEPT).delete()
        return CalendarImport.objects.create(
            **where.columns,
            content=upload.content,
            file_name=upload.file_name[:200],
            entries=[one.as_json() for one in told],
            before=[one.as_json() for one in _holding(feed, where.site)],
            made_by=by,
        )


def preview(*, draft: CalendarImport) -> Difference:
    return difference(from_json(draft.content, draft.before), from_json(draft.content, draft.entries))


@transaction.atomic
def apply(*, draft: CalendarImport, site: Site, by: User | None) -> Outcome:
    """`site` is one for which the draft is meant."""
    feed = _locked_feed(draft, site)
    if _as_json(_holding(feed, site)) != _sorted(draft.before):
        return Outcome.CHANGED_MEANWHILE
    state = {"state": CalendarImport.State.APPLIED, "applied_at": timezone.now()}
    if not CalendarImport.objects.filter(pk=draft.pk, state=CalendarImport.State.DRAFT).update(**state):
        return Outcome.TOO_LATE
    found = _replace(feed, site, from_json(draft.content, draft.entries))
    _settle(feed)
    _tell("calendar.imported", draft, by, found)
    return Outcome.DONE


@transaction.atomic
def undo(*, row: CalendarImport, site: Site, by: User | None) -> Outcome:
    """Back to what held before the last file of its kind."""
    feed = _locked_feed(row, site)
    if last(where=Where(site, everywhere=row.site_id is None), content=row.content) != row:
        return Outcome.TOO_LATE
    if _as_json(_holding(feed, site)) != _sorted(row.entries):
        return Outcome.CHANGED_MEANWHILE
    applied = CalendarImport.objects.filter(pk=row.pk, state=CalendarImport.State.APPLIED)
    if not applied.update(state=CalendarImport.State.UNDONE):
        return Outcome.TOO_LATE
    found = _replace(feed, site, from_json(row.content, row.before))
    _settle(feed)
    _tell("calendar.import-undone", row, by, found)
    return Outcome.DONE


def last(*, where: Where, content: str) -> CalendarImport | None:
    """The file that holds now."""
    rows = CalendarImport.objects.filter(**where.columns, content=content, state=CalendarImport.State.APPLIED)
    return rows.order_by("-applied_at", "-pk").first()


def _feed(where: Where, content: str) -> CalendarFeed:
    columns: Any = where.columns
    return CalendarFeed.objects.get_or_create(**columns, content=content)[0]


def _locked_feed(row: CalendarImport, site: Site) -> CalendarFeed:
    """One at a time per kind of file."""
    feed = _feed(Where(site, everywhere=row.site_id is None), row.content)
    return CalendarFeed.objects.select_for_update().get(pk=feed.pk)


def _holding(feed: CalendarFeed, site: Site) -> list[Told]:
    """What holds now of what such a file speaks about."""
    if feed.content == Content.BELLS:
        return bells.week(site=site)
    if feed.content == Content.EXAMS:
        return [Told(row.uid, row.name, row.starts_at, row.ends_at) for row in feed.exams.all()]
    return [Told(row.uid, row.name, row.first_day, row.last_day) for row in feed.free_periods.all()]


def _as_json(told: Iterable[Told]) -> list[dict[str, str]]:
    return _sorted([one.as_json() for one in told])


def _sorted(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return sorted(rows, key=lambda row: row["uid"])


def _replace(feed: CalendarFeed, site: Site, told: list[Told]) -> Difference:
    if feed.content == Content.BELLS:
        return bells.replace_bells(site=site, told=told)
    found = difference(_holding(feed, site), told)
    gone = [one.uid for one in found.removed] + [was.uid for was, _will in found.changed]
    fresh = [*found.added, *(will for _was, will in found.changed)]
    if feed.content == Content.EXAMS:
        feed.exams.filter(uid__in=gone).delete()
        ExamPeriod.objects.bulk_create(_exam(feed, one) for one in fresh)
    else:
        feed.free_periods.filter(uid__in=gone).delete()
        FreePeriod.objects.bulk_create(_free(feed, one) for one in fresh)
    return found


def _exam(feed: CalendarFeed, one: Told) -> ExamPeriod:
    scope = {"authority_id": feed.authority_id, "site_id": feed.site_id}
    return ExamPeriod(**scope, feed=feed, uid=one.uid, name=one.name, starts_at=one.begins, ends_at=one.ends)


def _free(feed: CalendarFeed, one: Told) -> FreePeriod:
    kinds = FreePeriod.Kind
    kind = kinds.HOLIDAY if feed.content == Content.HOLIDAYS else kinds.CLOSURE
    scope = {"authority_id": feed.authority_id, "site_id": feed.site_id}
    return FreePeriod(**scope, feed=feed, uid=one.uid, name=one.name, kind=kind, first_day=one.begins, last_day=one.ends)


def _settle(feed: CalendarFeed) -> None:
    """The days that any file taken over has spoken about; and the last file was no failure."""
    scope = {"authority_id": feed.authority_id, "site_id": feed.site_id}
    imports = CalendarImport.objects.filter(**scope, content=feed.content, state=CalendarImport.State.APPLIED)
    rows = [row for entries in imports.values_list("entries", flat=True) for row in entries]
    days = feed.content in {Content.HOLIDAYS, Content.CLOSURES}
    feed.covers_from = min((date.fromisoformat(row["begins"]) for row in rows), default=None) if days else None
    feed.covers_until = max((date.fromisoformat(row["ends"]) for row in rows), default=None) if days else None
    feed.failed_at, feed.failure = None, ""
    feed.save(update_fields=["covers_from", "covers_until", "failed_at", "failure"])


def _tell(name: str, row: CalendarImport, by: User | None, found: Difference) -> None:
    payload = {
        "content": row.content,
        "file_name": row.file_name,
        "added": len(found.added),
        "removed": len(found.removed),
        "changed": len(found.changed),
    }
    emit(Fact(name, row, row.authority_id, row.site_id, by.pk if by else None, payload))
