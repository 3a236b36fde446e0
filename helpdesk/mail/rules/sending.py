"""When a mail that could not be sent is tried again, and whether something is sent to whom at all."""

from dataclasses import dataclass
from datetime import timedelta

MOST_ATTEMPTS = 12


def pause(attempts: int) -> timedelta:
    """After `attempts` failures: 30 s, 1 min, 2 min … at most an hour."""
    return timedelta(seconds=min(3600, 15 << min(attempts, 10)))


def given_up(attempts: int) -> bool:
    return attempts >= MOST_ATTEMPTS


@dataclass(frozen=True)
class Said:
    """What was added to a ticket. `notice`: Fleetdesk's own sentence, `told` when it is worth a mail."""

    internal: bool
    author_id: int | None
    written: bool
    notice: bool = False
    told: bool = False


def worth_a_mail(said: Said, requester_id: int | None) -> bool:
    """The requester is told what others say in public; nobody gets a mail about their own words.

    Of what Fleetdesk notes by itself only what changes something for them: the steps of a change stand in the ticket.
    """
    if requester_id is None or said.internal or said.author_id == requester_id:
        return False
    return said.written or not said.notice or said.told
