"""How tickets go from state to state, what an alert does to its ticket, and what a number looks like."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from fleet.people.rules import Access, Action
from helpdesk.tickets.models import Ticket

State = Ticket.State

TRANSITIONS: dict[str, frozenset[str]] = {
    State.NEW: frozenset({State.OPEN, State.WAITING_REQUESTER, State.WAITING_VENDOR, State.WAITING_CHANGE, State.RESOLVED}),
    State.OPEN: frozenset({State.WAITING_REQUESTER, State.WAITING_VENDOR, State.WAITING_CHANGE, State.RESOLVED}),
    State.WAITING_REQUESTER: frozenset({State.OPEN, State.WAITING_VENDOR, State.WAITING_CHANGE, State.RESOLVED}),
    State.WAITING_VENDOR: frozenset({State.OPEN, State.WAITING_REQUESTER, State.WAITING_CHANGE, State.RESOLVED}),
    State.WAITING_CHANGE: frozenset({State.OPEN, State.WAITING_REQUESTER, State.WAITING_VENDOR, State.RESOLVED}),
    State.RESOLVED: frozenset({State.OPEN, State.CLOSED}),
    State.CLOSED: frozenset(),
}
POWER_OFF = "power-off"
WAITING = frozenset({State.WAITING_REQUESTER, State.WAITING_VENDOR, State.WAITING_CHANGE})
FINISHED = frozenset({State.RESOLVED, State.CLOSED})
FOR_PEOPLE = tuple(state for state in State if state != State.WAITING_CHANGE)
"""Where people move a ticket; for a change it waits only when there is one."""


def may_become(old: str, new: str) -> bool:
    return new in TRANSITIONS[old]


def may_reopen(since: datetime, now: datetime, days: int) -> bool:
    """Whether what was resolved at `since` is still the same matter; later it is a new ticket, linked to the old one."""
    return now - since <= timedelta(days=days)


def number(year: int, count: int) -> str:
    """F2026-000123"""
    return f"F{year}-{count:06d}"


class AfterRecovery(StrEnum):
    RESOLVE = "resolve"
    NOTE = "note"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Involvement:
    """What people have done with a ticket that monitoring opened."""

    state: str
    owned: bool
    written_by_people: bool


def after_recovery(ticket: Involvement, *, measured: bool = True) -> AfterRecovery:
    """A recovered device resolves its ticket, unless a person has taken over and has something open: then it is told.

    An alert that ended without an answer (its device went out of service, or is asked no more) resolves nothing.
    """
    if ticket.state in FINISHED:
        return AfterRecovery.NOTHING
    taken_over = ticket.written_by_people and (ticket.owned or ticket.state in WAITING)
    return AfterRecovery.NOTE if taken_over or not measured else AfterRecovery.RESOLVE


class AfterReturn(StrEnum):
    GO_ON = "go-on"
    OPEN_AGAIN = "open-again"
    OPEN_NEW = "open-new"


def after_return(state: str | None) -> AfterReturn:
    """Where the fault's ticket goes when the fault is back; None: it has none."""
    if state is None or state == State.CLOSED:
        return AfterReturn.OPEN_NEW
    return AfterReturn.OPEN_AGAIN if state == State.RESOLVED else AfterReturn.GO_ON


def needs_ticket(*, kind: str, suppressed: bool, over: bool, confirmed: bool) -> bool:
    """A root cause that is still there; a building that went dark at night only once school has begun."""
    return not suppressed and not over and (kind != POWER_OFF or confirmed)


def after_reply(state: str, *, by_requester: bool, still_broken: bool) -> Ticket.State | None:
    """Where a reply moves the ticket by itself: an awaited answer opens it again, and so does "it is still broken"."""
    if by_requester and state == State.WAITING_REQUESTER:
        return State.OPEN
    return State.OPEN if still_broken and state == State.RESOLVED else None


def is_concerned(access: Access, ticket: Ticket) -> bool:
    """Those who work on it, and those who report at this school."""
    scopes = (ticket.authority_id, ticket.site_id)
    return access.may(Action.WORK_TICKETS, *scopes) or access.may(Action.REPORT_PROBLEM, *scopes)


def may_reply(access: Access, ticket: Ticket) -> bool:
    """Whoever is concerned; nobody once it is closed for good."""
    return is_concerned(access, ticket) and ticket.state != State.CLOSED


def collides(*, seen_version: int, version: int, news: int) -> bool:
    """Whether a save must first show what others did: `news` counts what people wrote or moved since it was looked at.

    What Fleetdesk itself notes meanwhile (a change going on) stops nobody from sending a reply.
    """
    return seen_version != version and news > 0


def priority_of_alert(severity: str) -> int:
    by_severity = {"critical": Ticket.Priority.HIGH, "warning": Ticket.Priority.NORMAL}
    return by_severity.get(severity, Ticket.Priority.LOW)


def priority_of_report(*, blocks_lesson: bool) -> int:
    return Ticket.Priority.URGENT if blocks_lesson else Ticket.Priority.NORMAL
