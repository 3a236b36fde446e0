"""What mail says in a ticket."""

from django.utils.translation import gettext as _

from helpdesk.tickets import notices
from helpdesk.tickets.notices import Details, Notice, to_ticket


def register_all() -> None:
    notices.register("mail-files-left-out", _left_out)
    # Said by mail itself once; a follow-up by mail is told like any other now, and what was written stays readable.
    notices.register("mail-follows", _follows)
    notices.register("mail-continues", _continues)


def _follows(details: Details) -> Notice:
    if not details["number"]:
        return Notice(_("It goes on from another ticket, which is closed."))
    return Notice(_("It goes on from %(number)s, which is closed.") % details, link=to_ticket(details))


def _continues(details: Details) -> Notice:
    if not details["number"]:
        return Notice(_("It was answered by mail and goes on in another ticket."))
    return Notice(_("It was answered by mail and goes on in %(number)s.") % details, link=to_ticket(details))


def _left_out(details: Details) -> Notice:
    return Notice(_("Too large or too many, and left out: %(names)s") % details, "watch")
