"""What is said in a ticket about its deadlines, and about the tickets it has to do with."""

from django.utils.translation import gettext as _

from fleet.people.rules import Action
from helpdesk.tickets import notices
from helpdesk.tickets.notices import Details, Notice, clock, to_ticket


def _merged_here(details: Details) -> Notice:
    said = _("Ticket %(number)s (“%(subject)s”) is about the same and goes on here.")
    return Notice(said % details)


def _merged_into(details: Details) -> Notice:
    said = _("This is about the same as ticket %(number)s and goes on there. Answers to this one arrive there too.")
    return Notice(said % details, link=to_ticket(details))


def _split_off(details: Details) -> Notice:
    said = _("A part of it is a ticket of its own now: %(number)s (“%(subject)s”).")
    return Notice(said % details, link=to_ticket(details))


def _split_from(details: Details) -> Notice:
    said = _("Split off from ticket %(number)s (“%(subject)s”).")
    return Notice(said % details, link=to_ticket(details))


def _follows(details: Details) -> Notice:
    said = _("It is about ticket %(number)s (“%(subject)s”) again, which is closed.")
    return Notice(said % details, link=to_ticket(details))


def _child_attached(details: Details) -> Notice:
    """The incident may be at another school: its number is all that is said of it, and not even that of a restricted one."""
    if not details["number"]:
        return Notice(_("This belongs to a larger incident."))
    said = _("This belongs to a larger incident, %(number)s. What is said there in public arrives here too.")
    return Notice(said % details, link=to_ticket(details, Action.WORK_TICKETS))


def _child_detached(details: Details) -> Notice:  # noqa: ARG001  (said by the article's author)
    return Notice(_("This is a case of its own again."))


def _from_parent(details: Details) -> Notice:  # noqa: ARG001  (the article's body is what was said)
    return Notice(_("About the larger incident to which this belongs:"))


def _deadline_near(details: Details) -> Notice:
    said = _("%(what)s is due at %(at)s.") % {"what": due_what(details["clock"]), "at": clock(details.get("due_at"))}
    return Notice(said, "watch")


def _deadline_missed(details: Details) -> Notice:
    said = _("%(what)s was due at %(at)s.") % {"what": due_what(details["clock"]), "at": clock(details.get("due_at"))}
    return Notice(said, "down")


def due_what(name: str) -> str:
    return {
        "first-response": _("An answer"),
        "next-update": _("News for the requester"),
        "resolution": _("The solution"),
    }.get(name, name)


def _tagged(details: Details) -> Notice:
    return Notice(_("Tag added: %(tag)s") % details)


def _devices(details: Details) -> list[tuple[str, str]]:
    facts = []
    for one in details.get("devices", []):
        word = _("answers, measured at %(at)s") if one.get("up") else _("does not answer, measured at %(at)s")
        name = f"{one['name']} ({one['room']})" if one.get("room") else one["name"]
        facts.append((name, word % {"at": clock(one.get("measured_at"))}))
    return facts


def _case_works(details: Details) -> Notice:
    said = _("The cause is gone, and what this ticket is about has been measured again: it works.")
    return Notice(said, "ok", _devices(details))


def _case_broken(details: Details) -> Notice:
    said = _("The cause is gone, but what this ticket is about does not answer yet. The ticket stays open.")
    return Notice(said, "watch", _devices(details))


def _case_unmeasured(details: Details) -> Notice:
    said = _("The cause is gone, but whether what this ticket is about works was not measured. The ticket stays open.")
    return Notice(said, "watch", _devices(details))


TOLD = frozenset({"merged-into", "case-works", "case-broken", "case-unmeasured"})
WORDINGS: dict[str, notices.Wording] = {
    "merged-here": _merged_here,
    "merged-into": _merged_into,
    "split-off": _split_off,
    "split-from": _split_from,
    "follows": _follows,
    "child-attached": _child_attached,
    "child-detached": _child_detached,
    "from-parent": _from_parent,
    "deadline-near": _deadline_near,
    "deadline-missed": _deadline_missed,
    "tagged": _tagged,
    "case-works": _case_works,
    "case-broken": _case_broken,
    "case-unmeasured": _case_unmeasured,
}


def register() -> None:
    for key, wording in WORDINGS.items():
        notices.register(key, wording, told=key in TOLD)
