"""States of tickets in the words of those who read them."""

from datetime import datetime
from typing import Any

from babel.dates import format_timedelta
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.people.models import User
from helpdesk.tickets.models import BulkJob, BulkRow, Category, Macro, Queue, Tag, Ticket
from helpdesk.tickets.rules.parts import Part, Use
from helpdesk.tickets.rules.sla import Pressure, pressure

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


PRESSURES = {Pressure.OVERDUE: "down", Pressure.SOON: "watch", Pressure.CALM: "info"}


def due(ticket: Ticket, now: datetime) -> dict[str, str] | None:
    """{state, word}: "Answer due in 40 min"; None where nothing is due."""
    if ticket.due_at is None:
        return None
    how = pressure(ticket.due_at, now)
    language = (translation.get_language() or "de")[:2]
    when = format_timedelta(ticket.due_at - now, threshold=1.0, add_direction=True, format="short", locale=language)
    what = {
        "first-response": _("Answer"),
        "next-update": _("News"),
        "resolution": _("Solution"),
    }.get(ticket.due_clock, "")
    said = _("%(what)s overdue, it was due %(when)s") if how == Pressure.OVERDUE else _("%(what)s due %(when)s")
    return {"state": PRESSURES[how], "word": said % {"what": what, "when": when}}


def part(one: Part) -> str:
    """What to take along: "Muster W6, as a spare"."""
    names = {"name": one.name, "model": one.model}
    if one.use == Use.SPARE:
        return _("%(model)s, as a spare") % names
    if one.use == Use.BATTERY:
        return _("Battery for %(model)s") % names
    return _("%(name)s for %(model)s") % names if one.name else _("Supplies for %(model)s") % names


ROW_PILLS: dict[str, str] = {
    BulkRow.State.WAITING: "unknown",
    BulkRow.State.DONE: "ok",
    BulkRow.State.UNCHANGED: "info",
    BulkRow.State.REFUSED: "down",
    BulkRow.State.FAILED: "watch",
    BulkRow.State.STOPPED: "unknown",
}
_WHY_NOT: dict[str, str | Promise] = {
    "not-yours": gettext_lazy("Your role does not include this ticket."),
    "does-not-fit": gettext_lazy("It belongs to another authority, or that person does not work at this school."),
    "not-from-here": gettext_lazy("That is not possible from the ticket's present state."),
    "somebody-else": gettext_lazy("Somebody else looks after it."),
    "changed-meanwhile": gettext_lazy("The ticket was changed meanwhile."),
    "gone": gettext_lazy("What was to be set does not exist any more."),
    "our-mistake": gettext_lazy("This was our mistake; it has been recorded."),
    "itself": gettext_lazy("That is the same ticket."),
    "already-merged": gettext_lazy("One of the two has already been merged into another ticket."),
    "closed": gettext_lazy("A closed ticket cannot be merged."),
    "finished": gettext_lazy("That incident is over already."),
    "another-school": gettext_lazy("Only tickets of the same school become one; use a larger incident instead."),
    "another-authority": gettext_lazy("That ticket belongs to another authority."),
    "restricted": gettext_lazy("One of the two is for security people only."),
    "has-children": gettext_lazy("Other tickets belong to this one: it cannot go into another."),
    "two-faults": gettext_lazy(
        "Both speak of a fault that is not over, and a ticket follows only one: "
        "link them, or let one belong to the other as its larger incident."
    ),
    "parent-is-a-child": gettext_lazy("That ticket belongs to a larger incident itself: choose that one."),
    "nothing-to-split": gettext_lazy("Choose at least one message that somebody wrote."),
    "busy": gettext_lazy("Two of your orders for many tickets are still being done. Wait for one of them, or stop it."),
}


def why_not(key: str) -> str:
    return str(_WHY_NOT.get(key, key))


def bulk_title(job: BulkJob) -> str:
    """What was ordered, and with what."""
    act, value = BulkJob.Act(job.act), job.value
    models: dict[str, Any] = {"queue": Queue, "category": Category, "tag": Tag, "macro": Macro}
    if act == BulkJob.Act.ASSIGN:
        named: object = User.objects.filter(pk=value).first()
    elif act.value in models:
        named = models[act.value].objects.filter(pk=value).first()
    elif act == BulkJob.Act.PRIORITY:
        named = Ticket.Priority(int(value)).label
    else:
        named = Ticket.State(value).label if act == BulkJob.Act.STATE else ""
    return f"{act.label}: {named}" if named else str(act.label)
