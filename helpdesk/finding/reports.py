"""What reports read: what this person may see of a period, in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from fleet.automation.models import Change
from fleet.monitoring.models import Outage
from fleet.people.models import User
from fleet.sites import selectors as sites
from fleet.sites.rules.clock import lessons_between
from helpdesk.catalogue.models import ServiceRequest
from helpdesk.finding.report_rules import Facts, Span, hours, minutes_within
from helpdesk.tickets import promises, schools
from helpdesk.tickets.models import Article, Ticket, Transition
from helpdesk.tickets.rules import FINISHED

LONGEST = timedelta(days=400)
CHUNK = 2_000
COUNTED = (Outage.Cause.OWN, Outage.Cause.SUPPRESSED, Outage.Cause.UNCLEAR)
"""Not what was planned, and not what was switched off."""


@dataclass(frozen=True)
class Period:
    """Days, both included, in local time."""

    first: date
    last: date
    sites: tuple[int, ...] | None = None
    """Only these schools; None: all that the person sees."""

    @property
    def begin(self) -> datetime:
        return timezone.make_aware(datetime.combine(self.first, time()))

    @property
    def end(self) -> datetime:
        return timezone.make_aware(datetime.combine(self.last + timedelta(days=1), time()))


def tickets(user: User, period: Period) -> QuerySet[Ticket]:
    """Those that went into another are counted there."""
    rows = Ticket.objects.visible_to(user).filter(created_at__gte=period.begin, created_at__lt=period.end, merged_into=None)
    return rows if period.sites is None else rows.filter(site__in=period.sites)


def _with_times(rows: QuerySet[Ticket]) -> QuerySet[Ticket]:
    """Resolved: the last time it was. By a playbook: one that was ordered, or a remedy that ran by itself."""
    resolved = Transition.objects.filter(ticket=OuterRef("pk"), new=Ticket.State.RESOLVED).order_by("-at")
    done = ServiceRequest.objects.filter(ticket=OuterRef("pk"), change__state=Change.State.CONFIRMED)
    helped = Article.objects.filter(ticket=OuterRef("pk"), notice="remedy-helped")
    return rows.annotate(
        last_resolved_at=Subquery(resolved.values("at")[:1]),
        by_playbook=Exists(done) | Exists(helped),
    ).order_by("created_at", "pk")


def _models(user: User, period: Period) -> dict[int, tuple[str, ...]]:
    """{ticket: makes and models of its devices}"""
    hanging = tickets(user, period).filter(devices__isnull=False).order_by()
    rows = hanging.values_list("pk", "devices__type__manufacturer", "devices__type__model").distinct()
    found: defaultdict[int, list[str]] = defaultdict(list)
    for pk, make, model in rows:
        found[pk].append(f"{make} {model}")
    return {pk: tuple(sorted(names)) for pk, names in found.items()}


def facts(user: User, period: Period) -> list[Facts]:
    """Four queries."""
    models, kinds = _models(user, period), {value: str(label) for value, label in Ticket.Kind.choices}
    columns = (
        "pk",
        "created_at",
        "site_id",
        "category_id",
        "kind",
        "state",
        "answered_at",
        "last_resolved_at",
        "by_playbook",
    )
    rows = list(_with_times(tickets(user, period)).values_list(*columns).iterator(chunk_size=CHUNK))
    called, categories = schools.labels({row[2] for row in rows}), promises.categories({row[3] for row in rows})
    return [
        Facts(
            created_at=created_at,
            site=called[site_id],
            category=categories.get(category_id) or kinds[kind],
            models=models.get(pk, ()),
            answered_at=answered_at,
            resolved_at=resolved_at if state in FINISHED else None,
            by_playbook=by_playbook,
        )
        for pk, created_at, site_id, category_id, kind, state, answered_at, resolved_at, by_playbook in rows
    ]


@dataclass(frozen=True)
class Lost:
    site: str
    minutes: float
    rooms: int


def lost(user: User, period: Period) -> list[Lost]:
    """Minutes of lessons in rooms in which a device did not answer; each room and minute once. Nine queries.

    Outages are read room by room: however many there were, those of one room are held.
    """
    rows = Outage.objects.visible_to(user).touching(period.begin, period.end)
    rows = rows.filter(cause__in=COUNTED, device__room__teaching=True)
    rows = rows if period.sites is None else rows.filter(site__in=period.sites)
    ids = set(rows.order_by().values_list("site_id", flat=True).distinct())
    clocks, called = sites.calendars(site_ids=ids), schools.labels(ids)
    minutes: defaultdict[int, list[float]] = defaultdict(list)
    for (site_id, _room), spans in _by_room(rows, period):
        if site_id in clocks:  # one that has come since is counted next time
            minutes[site_id].append(minutes_within(spans, partial(lessons_between, clocks[site_id])))
    rows_lost = [Lost(called[one], sum(known), sum(1 for room in known if room)) for one, known in minutes.items()]
    return sorted((one for one in rows_lost if one.minutes), key=lambda one: -one.minutes)


def _by_room(rows: QuerySet[Outage], period: Period) -> Iterator[tuple[tuple[int, int], list[Span]]]:
    """(school, room) and when something there was silent within the period."""
    now = timezone.now()
    placed = rows.annotate(room_id=F("device__room_id")).order_by("site_id", "room_id")
    found = placed.values_list("site_id", "room_id", "started_at", "ended_at").iterator(chunk_size=CHUNK)
    for place, outages in groupby(found, key=itemgetter(0, 1)):
        spans = [(max(began, period.begin), min(ended or now, period.end)) for _site, _room, began, ended in outages]
        yield place, [(begin, end) for begin, end in spans if begin < end]


def heads() -> list[str]:
    return [
        _("Number"), _("Created"), _("School"), _("Room"), _("Kind"), _("Subject"), _("State"), _("Priority"),
        _("Looked after by"), _("Models"), _("Hours to the first answer"), _("Hours to the solution"),
        _("Done by a playbook"),
    ]  # fmt: skip


Cell = str | float | datetime | None


def table(user: User, period: Period) -> Iterator[list[Cell]]:
    """One row for each ticket, as `heads` says, read piece by piece. Four queries. No notes and no requesters."""
    models = _models(user, period)
    called = schools.labels(tickets(user, period).order_by().values_list("site_id", flat=True).distinct())
    rows = _with_times(tickets(user, period)).select_related("room", "owner").only(*SHOWN)
    words = _Words()
    for ticket in rows.iterator(chunk_size=CHUNK):
        yield _row(ticket, called[ticket.site_id], models, words)


SHOWN = (
    "number", "created_at", "site_id", "room__number", "room__name", "kind", "subject", "state", "priority",
    "owner__name", "owner__email", "answered_at",
)  # fmt: skip


class _Words:
    """What rows say again and again, looked up once: a label is translated anew each time that it is shown."""

    def __init__(self) -> None:
        choices: list[tuple[Any, Any]] = [*Ticket.Kind.choices, *Ticket.State.choices, *Ticket.Priority.choices]
        self.labels = {value: str(label) for value, label in choices}
        self.yes, self.no = _("yes"), _("no")


def _row(ticket: Any, school: str, models: dict[int, tuple[str, ...]], words: _Words) -> list[Cell]:
    resolved_at = ticket.last_resolved_at if ticket.state in FINISHED else None
    return [
        ticket.number,
        timezone.localtime(ticket.created_at).replace(tzinfo=None, microsecond=0),
        school,
        str(ticket.room or ""),
        words.labels[ticket.kind],
        ticket.subject,
        words.labels[ticket.state],
        words.labels[ticket.priority],
        str(ticket.owner or ""),
        ", ".join(models.get(ticket.pk, ())),
        _rounded(hours(ticket.created_at, ticket.answered_at)),
        _rounded(hours(ticket.created_at, resolved_at)),
        words.yes if ticket.by_playbook else words.no,
    ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
