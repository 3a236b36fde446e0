"""A ticket in Leichte Sprache: short sentences, one thought each, words that everybody knows.

After the rules of the Netzwerk Leichte Sprache. The English is as plain.
"""

from django.utils.translation import gettext as _

from helpdesk.tickets.models import Ticket
from helpdesk.tickets.rules import FINISHED, WAITING


def status(ticket: Ticket) -> str:
    """How it stands, and what comes next: in one line, for lists."""
    if ticket.state == Ticket.State.OPEN and ticket.owner:
        return _("%(name)s helps you. Please wait.") % {"name": ticket.owner}
    return {
        Ticket.State.NEW: _("We have your message. Soon somebody helps you."),
        Ticket.State.OPEN: _("Somebody helps you soon."),
        Ticket.State.WAITING_REQUESTER: _("We have a question. Please answer us."),
        Ticket.State.WAITING_VENDOR: _("A company has to do something. We wait for it."),
        Ticket.State.WAITING_CHANGE: _("We are working on it."),
        Ticket.State.RESOLVED: _("It is done. Does it still not work? Then write to us."),
        Ticket.State.CLOSED: _("It is done."),
    }[Ticket.State(ticket.state)]


def page(ticket: Ticket) -> list[str]:
    """On its page: how it stands, who has it, what you do now."""
    return [status(ticket), *_who(ticket), _next(ticket)]


def _who(ticket: Ticket) -> list[str]:
    if ticket.state == Ticket.State.WAITING_REQUESTER:
        return [_("Now it is your turn.")]
    if ticket.state in FINISHED or (ticket.state == Ticket.State.OPEN and ticket.owner):
        return []
    if ticket.owner and ticket.state in WAITING:
        return [_("%(name)s takes care of it.") % {"name": ticket.owner}]
    return [_("The city's technicians have your message.")]


def _next(ticket: Ticket) -> str:
    return {
        Ticket.State.WAITING_REQUESTER: _("Write your answer below."),
        Ticket.State.RESOLVED: _("Write below if it does not work."),
        Ticket.State.CLOSED: _("Is it back? Then write below."),
    }.get(Ticket.State(ticket.state), _("You do not have to do anything. You get a mail when there is news."))
