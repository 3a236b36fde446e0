"""Where a mail belongs, and what may be said of who wrote it."""

from dataclasses import dataclass
from enum import StrEnum

from helpdesk.tickets.models import Ticket


class Place(StrEnum):
    NEW = "new"
    REPLY = "reply"
    """A contribution of somebody who belongs to the ticket."""
    INSIDE = "inside"
    """An internal note by somebody who answers one, and may read those."""
    NOTE = "note"
    """An internal note by somebody of whom nothing is known."""
    FOLLOW_UP = "follow-up"
    """A new ticket that goes on where a closed one ended."""
    ASIDE = "aside"
    """Kept at the ticket for those who work on it; nothing moves."""
    NOWHERE = "nowhere"
    """Kept among the mails alone."""


@dataclass(frozen=True)
class Found:
    """What the mail names. `referred`: the state of the ticket whose mail it answers; `named`: of the one whose number
    stands in its subject; None: there is none."""

    referred: str | None = None
    belongs_to_referred: bool = False
    answers_inside: bool = False
    """The mail it answers is about an internal note, or became one, and who wrote it may read those there."""
    named: str | None = None
    belongs_to_named: bool = False
    automatic: bool = False
    school_closed: bool = False
    """Of the ticket that counts: nothing begins there any more."""


def place(found: Found) -> Place:
    """A number in the subject counts only together with somebody who belongs to that ticket: anybody can write one."""
    state, belongs = found.referred, found.belongs_to_referred
    if state is None and found.belongs_to_named:
        state, belongs = found.named, True
    if found.automatic:
        return Place.NOWHERE if state is None else Place.ASIDE
    if state is None:
        return Place.NEW
    if belongs and found.answers_inside:
        return Place.INSIDE
    if state == Ticket.State.CLOSED and not (belongs and found.school_closed):
        return Place.FOLLOW_UP if belongs else Place.NEW
    return Place.REPLY if belongs else Place.NOTE


def moves_to(state: str, *, works: bool, requester: bool) -> Ticket.State | None:
    """An answer opens what waits for the requester, and what counts as solved; whoever works on it moves it themselves."""
    if works and not requester:
        return None
    again = {Ticket.State.RESOLVED, Ticket.State.WAITING_REQUESTER}
    return Ticket.State.OPEN if state in again else None
