"""What one act on many tickets does to each of them."""

from dataclasses import dataclass
from enum import StrEnum

from helpdesk.tickets.rules.workflow import FINISHED, may_become


class Verdict(StrEnum):
    GO = "go"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class Standing:
    """A ticket as it is when its turn comes. `holds`: what the act would set, as text, is what it has already."""

    state: str
    visible: bool
    workable: bool
    holds: bool
    owned_by_another: bool = False
    fits: bool = True
    """What is to be set belongs to the ticket's authority, or may work at its school."""


def verdict(act: str, value: str, ticket: Standing) -> tuple[Verdict, str]:
    """(what to do, why not): rights first, then what is so already, then what the workflow says."""
    if not ticket.visible or not ticket.workable:
        return Verdict.REFUSED, "not-yours"
    if ticket.holds:
        return Verdict.UNCHANGED, ""
    if not ticket.fits:
        return Verdict.FAILED, "does-not-fit"
    if act == "state":
        possible = may_become(ticket.state, value)
    else:
        possible = ticket.state not in FINISHED if act == "take" else ticket.state != "closed"
    if not possible:
        return Verdict.FAILED, "not-from-here"
    if act == "take" and ticket.owned_by_another:
        return Verdict.FAILED, "somebody-else"
    return Verdict.GO, ""
