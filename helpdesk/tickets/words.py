"""States of tickets in the words of those who read them."""

from django.utils.translation import gettext as _

from helpdesk.tickets.models import Ticket

PILLS: dict[str, str] = {
    "new": "watch",
    "open": "info",
    "waiting-requester": "maintenance",
    "waiting-vendor": "maintenance",
    "waiting-change": "maintenance",
    "resolved": "ok",
    "closed": "unknown",
}


def pill(ticket: Ticket) -> dict[str, str]:
    """{state: the pill's token, word}"""
    return {"state": PILLS[ticket.state], "word": str(ticket.get_state_display())}


def sentence(ticket: Ticket) -> str:
    """How it stands, and who has the next step: for the person who asked."""
    if ticket.state == Ticket.State.OPEN and ticket.owner:
        return _("%(name)s is looking after it.") % {"name": ticket.owner}
    return {
        Ticket.State.NEW: _("It has arrived. Somebody will look after it soon."),
        Ticket.State.OPEN: _("A technician will look after it."),
        Ticket.State.WAITING_REQUESTER: _("We need an answer from you to go on."),
        Ticket.State.WAITING_VENDOR: _("We are waiting for a company."),
        Ticket.State.WAITING_CHANGE: _("It is on its way."),
        Ticket.State.RESOLVED: _("If something is still not right, answer in the ticket."),
        Ticket.State.CLOSED: _("There is nothing more to do."),
    }[Ticket.State(ticket.state)]


def act(old: str, new: str) -> str:
    """What a button says that moves a ticket from `old` to `new`."""
    if (old, new) == (Ticket.State.NEW, Ticket.State.OPEN):
        return _("Begin with it")
    if new == Ticket.State.OPEN:
        return _("Open again") if old in {Ticket.State.RESOLVED, Ticket.State.CLOSED} else _("Go on with it")
    return {
        Ticket.State.WAITING_REQUESTER: _("Wait for the requester"),
        Ticket.State.WAITING_VENDOR: _("Wait for the vendor"),
        Ticket.State.WAITING_CHANGE: _("Wait for a change"),
        Ticket.State.RESOLVED: _("Resolve"),
        Ticket.State.CLOSED: _("Close for good"),
    }[Ticket.State(new)]
