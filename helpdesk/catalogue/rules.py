"""What a change's outcome means for its ticket."""

from dataclasses import dataclass

from helpdesk.tickets.models import Ticket
from helpdesk.tickets.rules import may_become

State = Ticket.State
Priority = Ticket.Priority


@dataclass(frozen=True)
class Meaning:
    """`notice`: what the ticket says; `state`: where it goes (None: it stays), from there alone if `only_from` says so;
    `priority`: at least that.
    """

    notice: str
    state: Ticket.State | None = None
    priority: int | None = None
    only_from: Ticket.State | None = None


MEANINGS: dict[str, Meaning] = {
    "change.previewed": Meaning("change-previewed", State.WAITING_CHANGE),
    "change.asked-anew": Meaning("change-asked-anew", State.WAITING_CHANGE),
    "change.approved": Meaning("change-approved", State.WAITING_CHANGE),
    "change.waiting": Meaning("change-waiting", State.WAITING_CHANGE),
    "change.started": Meaning("change-started", State.WAITING_CHANGE),
    "change.retried": Meaning("change-retried", State.WAITING_CHANGE),
    "change.confirmed": Meaning("change-confirmed", State.RESOLVED),
    "change.refuted": Meaning("change-refuted", State.OPEN, Priority.HIGH),
    "change.unknown": Meaning("change-unknown", State.OPEN, Priority.HIGH),
    "change.failed": Meaning("change-failed", State.OPEN, Priority.HIGH),
    "change.halted": Meaning("change-failed", State.OPEN, Priority.HIGH),
    "change.rolled-back": Meaning("change-failed", State.OPEN),
    "change.paused-as-another": Meaning("change-paused-as-another", State.OPEN),
    "change.lost": Meaning("change-lost", State.OPEN, Priority.HIGH),
    "change.rejected": Meaning("change-rejected", State.RESOLVED),
    "change.cancelled": Meaning("change-cancelled", State.OPEN),
    "change.reverted": Meaning("change-reverted", State.RESOLVED, only_from=State.WAITING_CHANGE),
    "change.made-good": Meaning("change-made-good"),
    "change.not-made-good": Meaning("change-not-made-good", State.OPEN, Priority.HIGH),
    "change.revert-waits": Meaning("change-revert-waits"),
    "change.extended": Meaning("change-extended"),
    "change.ended-early": Meaning("change-ended-early"),
    "change.revert-failed": Meaning("change-revert-failed", State.OPEN, Priority.HIGH),
}
"""Never closed on unknown; resolved only on what was measured, or on a person's no."""


def steps(now: str, meaning: Meaning) -> tuple[Ticket.State, ...]:
    """The transitions from `now` to where it goes that the workflow knows; none where the ticket stays.

    What is resolved is not set to waiting again by a change that goes on (being taken back after its time).
    """
    wanted = meaning.state
    if wanted is None or now == wanted or meaning.only_from not in (None, now):
        return ()
    if may_become(now, wanted):
        return (wanted,)
    detour = may_become(now, State.OPEN) and may_become(State.OPEN, wanted) and wanted != State.WAITING_CHANGE
    return (State.OPEN, wanted) if detour else ()
