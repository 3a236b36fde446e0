"""What the pages of a calendar show, ready for the templates."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fleet.sites import selectors, words
from fleet.sites.models import CalendarFeed, CalendarImport, ExamPeriod, Site
from fleet.sites.models.calendar import Content
from fleet.sites.rules import sheet as wall
from fleet.sites.rules.clock import Calendar
from fleet.sites.rules.free import Entry, Source
from fleet.sites.rules.sheet import Day, Mark
from fleet.sites.rules.told import Told
from fleet.sites.services import importing

SOON = timedelta(days=90)
STALE = timedelta(days=7)
MARKS_WITH_WORDS = (Mark.HOLIDAY, Mark.FEAST, Mark.CLOSURE, Mark.EXAM, Mark.UNKNOWN)
DECEMBER = 12


def sheet(site: Site, wanted: str, *, may_edit: bool) -> dict[str, Any]:
    """Everything on a site's calendar page; `wanted` is a month like `2026-08`, else this one."""
    at = timezone.now()
    known = selectors.calendars(site_ids=[site.pk])[site.pk]
    entries = selectors.free_entries(site=site)
    month = _month(wanted, known.local(at).date())
    feeds = list(CalendarFeed.objects.of_sites([site]))
    return {
        "site": site,
        "may_edit": may_edit,
        "sentence": words.now(known, at),
        "warnings": [*_warnings(site, known, at), *(_failures(feeds, at) if may_edit else [])],
        "month": month,
        "before": month - timedelta(days=1),
        "after": _next(month),
        "today": known.local(at).date(),
        "weekdays": [formats.date_format(day.day, "D") for day in wall.weeks(known, (), month.year, month.month)[0]],
        "weeks": [[_cell(day) for day in week] for week in wall.weeks(known, entries, month.year, month.month)],
        "legend": [(mark, words.SHORT[mark], words.MARKS[mark]) for mark in MARKS_WITH_WORDS],
        "free": [_free(entry) for entry in entries if entry.span.touches(date(month.year, 1, 1), date(month.year, 12, 31))],
        "exams": ExamPeriod.objects.of_sites([site]).filter(ends_at__gte=at - SOON),
        "bells": words.week(list(known.lessons)),
        "bell_days": words.weekdays(list(known.lessons)),
        "naps": words.week(list(known.naps)),
        "nap_days": words.weekdays(list(known.naps)),
        "hours": words.hours(known),
        "files": _files(site) if may_edit else [],
    }


def _month(wanted: str, today: date) -> date:
    try:
        found = datetime.strptime(wanted, "%Y-%m").date()  # noqa: DTZ007  (a month on the wall)
    except ValueError:
        return today.replace(day=1)
    return found if abs(found.year - today.year) <= 5 else today.replace(day=1)  # noqa: PLR2004  (as far as calendars go)


def _next(month: date) -> date:
    return date(month.year + 1, 1, 1) if month.month == DECEMBER else date(month.year, month.month + 1, 1)


def _warnings(site: Site, known: Calendar, at: datetime) -> list[tuple[str, str]]:
    """[(state of the notice, text)] of what nobody has said, so that every day counts as a school day."""
    found = []
    if known.bells_are_assumed:
        found.append(("watch", _("No bells are entered: from Monday to Friday, 8 to 16 o'clock all counts as lessons.")))
    if known.known_until is None:
        school = site.kind == Site.Kind.SCHOOL
        said = _("No holidays are known: every weekday counts as a school day, except public holidays.")
        closed = _("No closures are known: the kindergarten counts as open on every weekday, except public holidays.")
        return [*found, ("watch", said if school else closed)]
    until = formats.date_format(known.known_until, "DATE_FORMAT")
    text = _("No data from after %s on: every weekday then counts as a school day, except public holidays.") % until
    soon = known.known_until < known.local(at).date() + SOON
    return [*found, ("watch" if soon else "info", text)]


def _failures(feeds: Iterable[CalendarFeed], at: datetime) -> list[tuple[str, str]]:
    """For those who can do something about it, as long as it is news; a file that could be read ends it too."""
    said = _("The last file about “%(what)s” could not be read, %(when)s. What the one before said still holds.")
    fresh = [(feed, feed.failed_at) for feed in feeds if feed.failed_at and at - feed.failed_at < STALE]
    return [("watch", said % {"what": feed.get_content_display(), "when": _instant(failed)}) for feed, failed in fresh]


def _instant(at: datetime) -> str:
    return formats.date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT")


def _cell(day: Day) -> dict[str, Any]:
    return {
        "day": day.day,
        "mark": day.mark.value,
        "short": words.SHORT.get(day.mark, ""),
        "name": day.name or (words.MARKS[day.mark] if day.mark is not Mark.SCHOOL else ""),
        "outside": day.outside,
    }


def _free(entry: Entry) -> dict[str, Any]:
    days = (entry.span.last_day - entry.span.first_day).days + 1
    return {
        "name": entry.span.name,
        "when": _days(entry.span.first_day, entry.span.last_day),
        "days": ngettext("%d day", "%d days", days) % days,
        "what": words.MARKS[wall.mark_of(entry)],
        "source": words.SOURCES.get(entry.source, ""),
        "everywhere": entry.everywhere,
        "removable": entry.period_id if entry.source is Source.HAND else None,
    }


def _files(site: Site) -> list[CalendarImport]:
    """The file of each kind that holds now, newest first."""
    rows = CalendarImport.objects.of_sites([site]).filter(state=CalendarImport.State.APPLIED).select_related("made_by")
    newest: dict[tuple[str, int | None], CalendarImport] = {}
    for row in rows.order_by("applied_at", "pk"):
        newest[row.content, row.site_id] = row
    return sorted(newest.values(), key=lambda row: row.pk, reverse=True)


def upload_lead() -> str:
    return _(
        "School holidays from a file count instead of those of the federal state, for the days about which the file speaks. "
        "A newer file replaces the one before: what it no longer names is gone."
    )


def preview(site: Site, row: CalendarImport) -> dict[str, Any]:
    found = importing.preview(draft=row)
    return {
        "site": site,
        "row": row,
        "nothing": found.nothing,
        "kept": found.kept,
        "groups": [
            (_("Comes in"), "ok", [(one.name, span(row.content, one), "") for one in found.added]),
            (
                _("Is changed"),
                "watch",
                [(will.name, span(row.content, will), span(row.content, was)) for was, will in found.changed],
            ),
            (_("Goes out"), "down", [(one.name, span(row.content, one), "") for one in found.removed]),
        ],
    }


def span(content: str, one: Told) -> str:
    """From when until when, as a person would write it."""
    if content == Content.BELLS:
        return words.bell(one)
    if content == Content.EXAMS:
        ends = (timezone.localtime(when) for when in (one.begins, one.ends))
        return " – ".join(formats.date_format(when, "SHORT_DATETIME_FORMAT") for when in ends)
    return _days(one.begins, one.ends)


def _days(begins: date, ends: date) -> str:
    first, last = (formats.date_format(day, "SHORT_DATE_FORMAT") for day in (begins, ends))
    return first if begins == ends else f"{first} – {last}"
