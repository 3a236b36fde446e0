"""What reports read: what this person may see of a period, in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import F, Max, Q, QuerySet, Value
from django.utils import timezone
from django.utils.translation import gettext as _

from fleet.automation.models import Change
from fleet.monitoring.models import Outage
from fleet.people.models import User
from fleet.sites import selectors as sites
from fleet.sites.rules.clock import lessons_between
from helpdesk.catalogue.models import ServiceRequest
from helpdesk.finding.elapsed import Elapsed
from helpdesk.finding.report_rules import Facts, Months, Span, hours, minutes_within
from helpdesk.tickets import promises, schools
from helpdesk.tickets.models import Article, Ticket, Transition
from helpdesk.tickets.rules import FINISHED

LONGEST = timedelta(days=400)
CHUNK = 2_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
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


@dataclass(frozen=True)
class _Ends:
    """How tickets ended. `seconds`: how long it took until they were resolved the last time, of those that are over."""

    seconds: dict[int, float]
    by_playbook: frozenset[int]
    """Done by one that was ordered, or by a remedy that ran by itself."""


def _ends(rows: QuerySet[Ticket]) -> _Ends:
    """Three queries about what few tickets have: asked ticket by ticket, they were most of a report's time.

    `Ticket.resolved_at` tells it of those whose deadlines are reckoned; of the others the history does.
    """
    fresh = rows.filter(Q(reckon_at__isnull=False) | Q(resolved_at=None), state__in=FINISHED)
    steps = Transition.objects.filter(new=Ticket.State.RESOLVED, ticket__in=fresh.order_by().values("pk")).order_by()
    taken: Any = steps.values_list("ticket_id").annotate(taken=Elapsed(Max("at"), F("ticket__created_at")))
    ids = rows.order_by().values("pk")
    ordered = ServiceRequest.objects.filter(change__state=Change.State.CONFIRMED, ticket__in=ids)
    helped = Article.objects.filter(notice="remedy-helped", ticket__in=ids).order_by()
    done = ordered.order_by().values_list("ticket_id", flat=True).union(helped.values_list("ticket_id", flat=True))
    return _Ends(dict(taken), frozenset(done))


def _models(user: User, period: Period) -> dict[int, tuple[str, ...]]:
    """{ticket: makes and models of its devices}"""
    hanging = tickets(user, period).filter(devices__isnull=False).order_by()
    rows = hanging.values_list("pk", "devices__type__manufacturer", "devices__type__model").distinct()
    found: defaultdict[int, list[str]] = defaultdict(list)
    for pk, make, model in rows:
        found[pk].append(f"{make} {model}")
    return {pk: tuple(sorted(names)) for pk, names in found.items()}


def facts(user: User, period: Period) -> list[Facts]:
    """Six queries."""
    wanted = tickets(user, period)
    models, ends = _models(user, period), _ends(wanted)
    rows = list(_measured(wanted))
    called, kinds = schools.labels({row[1] for row in rows}), {value: str(label) for value, label in Ticket.Kind.choices}
    categories = promises.categories({row[2] for row in rows})
    months = Months(period.first, period.last, timezone.get_default_timezone())
    return [
        Facts(
            months.label(created),
            called[site_id],
            categories.get(category_id) or kinds[kind],
            models.get(pk, ()),
            hours(answered),
            hours(ends.seconds.get(pk, resolved)) if state in FINISHED else None,
            pk in ends.by_playbook,
        )
        for pk, site_id, category_id, kind, state, created, answered, resolved in rows
    ]


def _measured(rows: QuerySet[Ticket]) -> Any:
    """Numbers instead of instants: those are made far more quickly."""
    times = {
        "created": Elapsed("created_at", Value(EPOCH)),
        "answered": Elapsed("answered_at", "created_at"),
        "resolved": Elapsed("resolved_at", "created_at"),
    }
    return rows.order_by().annotate(**times).values_list("pk", "site_id", "category_id", "kind", "state", *times)


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
    """One row for each ticket, as `heads` says, read piece by piece. Six queries. No notes and no requesters."""
    wanted = tickets(user, period)
    models, ends = _models(user, period), _ends(wanted)
    called = schools.labels(wanted.order_by().values_list("site_id", flat=True).distinct())
    rows = wanted.select_related("room", "owner").only(*SHOWN).order_by("created_at", "pk")
    words = _Words()
    for ticket in rows.iterator(chunk_size=CHUNK):
        if ticket.site_id in called:  # the first one of a school that has come since is told next time
            yield _row(ticket, called[ticket.site_id], models, ends, words)


SHOWN = (
    "number", "created_at", "site_id", "room__number", "room__name", "kind", "subject", "state", "priority",
    "owner__name", "owner__email", "answered_at", "resolved_at",
)  # fmt: skip


class _Words:
    """What rows say again and again, looked up once: a label is translated anew each time that it is shown."""

    def __init__(self) -> None:
        choices: list[tuple[Any, Any]] = [*Ticket.Kind.choices, *Ticket.State.choices, *Ticket.Priority.choices]
        self.labels = {value: str(label) for value, label in choices}
        self.yes, self.no = _("yes"), _("no")


def _row(ticket: Ticket, school: str, models: dict[int, tuple[str, ...]], ends: _Ends, words: _Words) -> list[Cell]:
    resolved_s = ends.seconds.get(ticket.pk, _seconds(ticket.created_at, ticket.resolved_at))
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
        _rounded(hours(_seconds(ticket.created_at, ticket.answered_at))),
        _rounded(hours(resolved_s) if ticket.state in FINISHED else None),
        words.yes if ticket.pk in ends.by_playbook else words.no,
    ]


def _seconds(begin: datetime, end: datetime | None) -> float | None:
    return None if end is None else (end - begin).total_seconds()


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
