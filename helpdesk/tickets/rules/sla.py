"""Deadlines, worked out from what happened: nothing is counted along the way, so nothing can be counted wrong.

Business time runs as the site's calendar says. It stands still while a ticket waits for others or is finished.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from fleet.sites.rules.business import (
    AROUND_THE_CLOCK,
    NeverOpenError,
    add_business_time,
    business_seconds_between,
)
from fleet.sites.rules.clock import Calendar

NOTHING = timedelta(0)
RUNNING_STATES = frozenset({"new", "open"})
FINISHED_STATES = frozenset({"resolved", "closed"})


class Clock(StrEnum):
    FIRST_RESPONSE = "first-response"
    NEXT_UPDATE = "next-update"
    RESOLUTION = "resolution"


@dataclass(frozen=True)
class Terms:
    """What was promised, in business time; None promises nothing. `always`: around the clock, holidays included."""

    first_response: timedelta | None = None
    next_update: timedelta | None = None
    resolution: timedelta | None = None
    always: bool = False


@dataclass(frozen=True)
class Step:
    at: datetime
    state: str
    """Into which it went."""


@dataclass(frozen=True)
class History:
    """`steps` and `answers` in the order in which they happened. `asked`: somebody waits for an answer."""

    opened_at: datetime
    steps: tuple[Step, ...] = ()
    answers: tuple[datetime, ...] = ()
    asked: bool = True


@dataclass(frozen=True)
class Deadlines:
    """Instants; None where nothing is promised, or while the clock stands still."""

    response: datetime | None = None
    update: datetime | None = None
    resolution: datetime | None = None
    answered_at: datetime | None = None
    resolved_at: datetime | None = None

    @property
    def next(self) -> tuple[datetime, Clock] | None:
        """The earliest that still has to be kept."""
        if self.resolved_at is not None:
            return None
        running = [
            (self.response if self.answered_at is None else None, Clock.FIRST_RESPONSE),
            (self.update, Clock.NEXT_UPDATE),
            (self.resolution, Clock.RESOLUTION),
        ]
        return min(((at, clock) for at, clock in running if at is not None), default=None)


def deadlines(terms: Terms, calendar: Calendar, history: History) -> Deadlines:
    """A deadline that was met stays where it was: whether it was kept can be told by comparing."""
    hours = replace(calendar, hours=AROUND_THE_CLOCK) if terms.always else calendar
    spans = running_spans(history)
    answered_at, resolved_at = first_answer(history), _resolved_at(history)
    response = update = None
    if history.asked:
        response = _due(hours, spans, history.opened_at, terms.first_response, met_at=answered_at)
        if answered_at is not None and resolved_at is None:
            update = _due(hours, spans, _last_news(history), terms.next_update)
    resolution = _due(hours, spans, history.opened_at, terms.resolution, met_at=resolved_at)
    return Deadlines(response, update, resolution, answered_at, resolved_at)


def first_answer(history: History) -> datetime | None:
    """The first words for the requester; who is told that it is done has been answered too."""
    return min(_news(history), default=None)


def _last_news(history: History) -> datetime:
    return max(_news(history))


def _news(history: History) -> list[datetime]:
    """What was said before it was opened (in a ticket that went into it) answered another question."""
    return [at for at in (*history.answers, *_finished(history)) if at >= history.opened_at]


def _finished(history: History) -> list[datetime]:
    return [step.at for step in history.steps if step.state in FINISHED_STATES]


def counted(calendar: Calendar, history: History, until: datetime) -> timedelta:
    """How much business time has passed for the ticket up to `until`."""
    seconds = sum(business_seconds_between(calendar, begin, end) for begin, end in _within(history, until))
    return timedelta(seconds=seconds)


def running_spans(history: History) -> list[tuple[datetime, datetime | None]]:
    """[begin, end) while somebody here had to do something; the last one is open as long as that is so."""
    spans: list[tuple[datetime, datetime | None]] = []
    since: datetime | None = history.opened_at
    for step in history.steps:
        if step.state in RUNNING_STATES:
            since = since or step.at
        elif since is not None:
            spans.append((since, step.at))
            since = None
    if since is not None:
        spans.append((since, None))
    return spans


def _within(history: History, until: datetime) -> Iterable[tuple[datetime, datetime]]:
    for begin, end in running_spans(history):
        if begin < until:
            yield begin, min(end or until, until)


def _resolved_at(history: History) -> datetime | None:
    """Since when it is finished; closing for good what was resolved changes nothing of that."""
    at: datetime | None = None
    for step in history.steps:
        at = (at or step.at) if step.state in FINISHED_STATES else None
    return at


def _due(
    calendar: Calendar,
    spans: Sequence[tuple[datetime, datetime | None]],
    start: datetime,
    promised: timedelta | None,
    *,
    met_at: datetime | None = None,
) -> datetime | None:
    """`met_at`: from then on nothing stands still any more: the deadline is where it would have been."""
    if promised is None:
        return None
    left = promised
    try:
        for begin, end in _until_met(spans, met_at):
            first = max(begin, start)
            if end is None:
                return add_business_time(calendar, first, left)
            passed = timedelta(seconds=business_seconds_between(calendar, first, end)) if end > first else NOTHING
            if passed >= left:
                return add_business_time(calendar, first, left)
            left -= passed
    except NeverOpenError:
        pass
    return None


def _until_met(
    spans: Sequence[tuple[datetime, datetime | None]], met_at: datetime | None
) -> Iterable[tuple[datetime, datetime | None]]:
    for begin, end in spans:
        if met_at is not None and (end is None or end >= met_at):
            yield min(begin, met_at), None
            return
        yield begin, end
    if met_at is not None:
        yield met_at, None


@dataclass(frozen=True)
class Question:
    """What of a ticket decides which agreement holds. `categories`: its own, and those above it."""

    priority: int
    site_kind: str
    categories: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Offer:
    """The conditions of an agreement; None and "" fit everything."""

    pk: int
    priority: int | None = None
    category: int | None = None
    site_kind: str = ""


def agreement_for(question: Question, offers: Iterable[Offer]) -> int | None:
    """The one that says most about the ticket: category counts for more than priority, and that for more than the site."""
    fitting = [offer for offer in offers if _fits(question, offer)]
    return max(fitting, key=_weight).pk if fitting else None


def _fits(question: Question, offer: Offer) -> bool:
    return (
        offer.priority in {None, question.priority}
        and (offer.category is None or offer.category in question.categories)
        and offer.site_kind in {"", question.site_kind}
    )


def _weight(offer: Offer) -> tuple[bool, bool, bool, int]:
    """The older one where two say the same."""
    return offer.category is not None, offer.priority is not None, offer.site_kind != "", -offer.pk


Steps = Mapping[int, timedelta]
"""{id: before or after the deadline}"""


def steps_due(due_at: datetime, steps: Steps, now: datetime) -> list[int]:
    """Which steps are to be taken by `now`, in order."""
    return [pk for pk, offset in sorted(steps.items(), key=lambda one: one[1]) if due_at + offset <= now]


def next_step_at(due_at: datetime, steps: Steps, taken: Collection[int]) -> datetime | None:
    """When the first step that was not taken is to be; None where none is left."""
    return min((due_at + offset for pk, offset in steps.items() if pk not in taken), default=None)


class Pressure(StrEnum):
    OVERDUE = "overdue"
    SOON = "soon"
    CALM = "calm"


AT_RISK = timedelta(hours=1)


def pressure(due_at: datetime, now: datetime) -> Pressure:
    if due_at <= now:
        return Pressure.OVERDUE
    return Pressure.SOON if due_at - now <= AT_RISK else Pressure.CALM
