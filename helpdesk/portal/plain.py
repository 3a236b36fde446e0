"""Leichte Sprache: short sentences, one thought each, no clause in a clause, words that everybody knows.

After the rules of the Netzwerk Leichte Sprache. The English is as plain.
"""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from helpdesk.portal.rules import Mood
from helpdesk.tickets.models import Ticket


def how_it_is(mood: Mood, *, watched: int = 0) -> str:
    if mood.state == "down":
        return f"{_disturbed(mood)} {_('We are working on it.')}"
    if mood.state == "maintenance" and not watched:
        return _("We are doing maintenance. There is no fault.")
    if mood.known and watched:
        return _("Everything works right now. We keep looking at it.")
    return _("Everything works.") if mood.known else _("We do not know yet. Please wait a minute.")


def _disturbed(mood: Mood) -> str:
    if mood.disturbed:
        return ngettext("%d room has a fault.", "%d rooms have a fault.", mood.disturbed) % mood.disturbed
    count = mood.loose_disturbed
    return ngettext("%d device without a room has a fault.", "%d devices without a room have a fault.", count) % count


def reported(ticket: Ticket) -> list[str]:
    """What happens next."""
    first = _("It is urgent. We look at it first.") if ticket.blocks_lesson else _("Somebody reads your message.")
    return [first, _("Then you get a mail."), _("Do you want to say more? Then write in the ticket.")]


def labels() -> dict[str, str]:
    """{field of the report: its question}"""
    return {
        "room": _("In which room are you?"),
        "device": _("Which device does not work?"),
        "trouble": _("What does not work?"),
        "blocks_lesson": _("Do you need it now?"),
        "body": _("Do you want to write something?"),
    }
