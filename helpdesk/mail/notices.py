"""What mail says in a ticket."""

from django.urls import reverse
from django.utils.translation import gettext as _

from fleet.people.rules import Action
from helpdesk.tickets import notices
from helpdesk.tickets.notices import Details, Link, Notice


def register_all() -> None:
    notices.register("mail-files-left-out", _left_out)
    # Said by mail itself once; a follow-up by mail is told like any other now, and what was written stays readable.
    notices.register("mail-follows", _follows)
    notices.register("mail-continues", _continues)


def _ticket(details: Details) -> Link:
    return Link(details["number"], reverse("tickets:ticket", args=[details["number"]]), Action.VIEW_SITE)


def _follows(details: Details) -> Notice:
    return Notice(_("It goes on from %(number)s, which is closed.") % details, "info", link=_ticket(details))


def _continues(details: Details) -> Notice:
    return Notice(_("It was answered by mail and goes on in %(number)s.") % details, "info", link=_ticket(details))


def _left_out(details: Details) -> Notice:
    return Notice(_("Too large or too many, and left out: %(names)s") % details, "watch")
