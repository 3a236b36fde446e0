"""What Fleetdesk itself says in a ticket: one sentence per key, in the reader's language, and the evidence under it.

Upper rooms register theirs; a key that nobody knows any more is shown as it is rather than lost.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import formats, timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from fleet.automation import remedybook
from fleet.monitoring import words
from fleet.monitoring.services.unsaid import NOT_SAID
from fleet.people.rules import Action
from helpdesk.tickets.models import Article, Ticket

Details = dict[str, Any]
SILENT_AS_A_WHOLE = frozenset({"power-off", "silent-site"})


@dataclass(frozen=True)
class Link:
    label: str
    url: str
    action: Action
    """Shown to those who may do this at the ticket's school."""


@dataclass(frozen=True)
class Notice:
    """`facts`: [(label, value)]; `evidence`: rows of web/pieces/evidence.html; `state`: how the mark is coloured."""

    sentence: str
    state: str = "info"
    facts: list[tuple[str, str]] = field(default_factory=list)
    evidence: list[dict[str, Any]] = field(default_factory=list)
    measured_at: datetime | None = None
    link: Link | None = None


Wording = Callable[[Details], Notice]
_wordings: dict[str, Wording] = {}
_told: set[str] = set()


def register(key: str, wording: Wording, *, told: bool = False) -> None:
    """`told`: the requester gets a mail about it; the steps on the way are read in the ticket by whoever wants to."""
    _wordings[key] = wording
    (_told.add if told else _told.discard)(key)


def is_told(key: str) -> bool:
    return key in _told


def of(article: Article) -> Notice | None:
    """What the article's notice says to whoever reads now; None for what a person wrote."""
    if not article.notice:
        return None
    wording = _wordings.get(article.notice)
    return wording(named_in(article)) if wording else Notice(article.notice)


def named_in(article: Article) -> Details:
    """What its sentence names; of a ticket of which the reader must not know (selectors.as_read_by), that there is one."""
    hides = getattr(article, "hides", False)
    return {**article.details, **({"number": "", "subject": _("for security people only")} if hides else {})}


def to_ticket(details: Details, action: Action = Action.VIEW_SITE) -> Link | None:
    """To the ticket that is named; None where none is, or none of which the reader may know."""
    if not details.get("number"):
        return None
    return Link(_("To ticket %(number)s") % details, reverse("tickets:ticket", args=[details["number"]]), action)


def clock(text: str | None) -> str:
    """An instant out of details as the reader's clock shows it; with its day when that is not today."""
    moment = parse_datetime(text) if text else None
    if moment is None:
        return "–"
    local = timezone.localtime(moment)
    today = local.date() == timezone.localdate()
    return formats.time_format(local, "H:i") if today else formats.date_format(local, "SHORT_DATETIME_FORMAT")


def place(details: Details) -> str:
    return _("%(device)s in room %(room)s") % details if details.get("room") else str(details.get("device", ""))


def _alert_opened(details: Details) -> Notice:
    evidence = details["evidence"]
    facts = [(_("Last answer"), clock(evidence.get("last_answered_at")))] if evidence.get("last_answered_at") else []
    if behind := evidence.get("behind"):
        facts.append((_("What hangs behind it"), ", ".join(str(name) for name in behind)))
    facts += words.evidence(evidence.get("last_values", {}), public=True)  # coordinators read tickets
    if details["alert_kind"] in SILENT_AS_A_WHOLE:
        sentence = _("%(place)s is silent as a whole. Measured several times, last at %(at)s.")
    elif details["alert_kind"] == "unreachable":
        sentence = _("%(place)s does not answer. Measured several times, last at %(at)s.")
    elif details["alert_kind"] == "silent-access-point":
        sentence = _("Nobody is connected to %(place)s although its neighbours are full, measured at %(at)s.")
    else:
        sentence = _("%(place)s reports a value beyond its limit, measured at %(at)s.")
    said = sentence % {"place": place(details), "at": clock(evidence.get("measured_at"))}
    return Notice(said, "down", facts, measured_at=parse_datetime(evidence.get("measured_at") or ""))


def _alert_closed(details: Details) -> Notice:
    evidence = details["evidence"]
    if evidence.get("reason") == NOT_SAID:
        said = _(
            "The alert is over: when %(place)s was last read as a whole, at %(at)s, it did not tell of this value any more."
        )
        return Notice(said % {"place": place(details), "at": clock(evidence.get("walked_at"))}, "watch")
    if not evidence.get("measured_at"):  # the device went out of service, or is asked no more
        said = _("The alert is over, but nothing was measured: whether %(place)s is working is not known.")
        return Notice(said % {"place": place(details)}, "watch")
    if details.get("alert_kind") == "unreachable" and details.get("device_kind") == "access-point" and details.get("room"):
        said = _("Done. Measured again at %(at)s: the Wi-Fi in room %(room)s is back.")
    else:
        said = _("Done. Measured again at %(at)s: %(place)s is working again.")
    names = {"place": place(details), "room": details.get("room", ""), "at": clock(evidence.get("measured_at"))}
    return Notice(said % names, "ok", words.evidence(evidence.get("values", {}), public=True))


def _alert_reopened(details: Details) -> Notice:
    opened = _alert_opened(details)
    return replace(opened, sentence=_("It is back: %s") % opened.sentence)


def _alert_flapping(details: Details) -> Notice:
    said = _("%(place)s comes and goes. The alert stays open until there is rest; nothing more is said of each time.")
    return Notice(said % {"place": place(details)}, "watch")


def _alert_severity(details: Details) -> Notice:
    names = {"before": words.severity(details["before"]), "after": words.severity(details["after"])}
    return Notice(_("It weighs differently now: %(before)s → %(after)s.") % names, "watch")


def _alert_suppressed(details: Details) -> Notice:
    if not details.get("number"):
        said = _("The cause lies with %(cause)s. When that works again, what was measured here then is said here too.")
        return Notice(said % details, "info")
    said = _(
        "The cause lies with %(cause)s, see ticket %(number)s. When that works again, "
        "it is measured here whether this works too; until then this ticket stays open."
    )
    link = Link(_("To the cause's ticket"), reverse("tickets:ticket", args=[details["number"]]), Action.VIEW_SITE)
    return Notice(said % details, "info", link=link)


def _alert_released(details: Details) -> Notice:
    opened = _alert_opened(details)
    said = _("The cause no longer lies elsewhere. Asked again until %(at)s: %(place)s still does not answer.")
    return replace(opened, sentence=said % {"place": place(details), "at": clock(details.get("at"))}, facts=[])


def _alert_acknowledged(details: Details) -> Notice:  # noqa: ARG001  (said by the article's author)
    return Notice(_("Has taken note of the alert and looks after it."), "info")


def _alert_commented(details: Details) -> Notice:  # noqa: ARG001  (the article's body is the comment)
    return Notice(_("Said of the alert:"), "info")


def _alert_snoozed(details: Details) -> Notice:
    return Notice(_("The alert is put off until %(until)s.") % {"until": clock(details.get("until"))}, "info")


def _alert_woken(details: Details) -> Notice:  # noqa: ARG001  (said by the article's author)
    return Notice(_("The alert is back in the list of faults."), "info")


def _remedy_title(details: Details) -> str:
    remedy = remedybook.known().get(str(details.get("remedy")))
    return remedy.title.in_language(get_language()) if remedy else str(details.get("remedy", ""))


def _remedy_ordered(details: Details) -> Notice:
    said = _("Fleetdesk tries by itself at %(at)s: %(remedy)s.") % _remedy_names(details)
    return Notice(said, "info", link=_to_change(details))


def _remedy_helped(details: Details) -> Notice:
    said = _("It helped: %(remedy)s. Since %(at)s %(place)s answers again.") % _remedy_names(details)
    return Notice(said, "ok", link=_to_change(details))


def _remedy_over(details: Details) -> Notice:
    said = _("It was over by itself before anything was done. Not needed any more: %(remedy)s.") % _remedy_names(details)
    return Notice(said, "info")


def _remedy_person(details: Details) -> Notice:
    sentences = {
        "limited": _("%(remedy)s was tried only a short while ago and is not repeated by itself. A person is needed."),
        "not-helped": _("%(remedy)s did not help. A person is needed."),
    }
    said = sentences.get(str(details.get("state")), _("%(remedy)s is not possible here. A person is needed."))
    return Notice(said % _remedy_names(details), "watch", link=_to_change(details))


def _remedy_names(details: Details) -> dict[str, str]:
    return {"remedy": _remedy_title(details), "at": clock(details.get("at")), "place": place(details)}


def _to_change(details: Details) -> Link | None:
    if not details.get("change_id"):
        return None
    address = reverse("automation:change", args=[details["change_id"]])
    return Link(_("What was done"), address, Action.VIEW_DEVICE_DETAILS)


def _taken(details: Details) -> Notice:  # noqa: ARG001  (said by the article's author)
    return Notice(_("I look after it."), "info")


def _handed_over(details: Details) -> Notice:
    return Notice(_("%(owner)s looks after it now.") % details, "info")


def _handed_back(details: Details) -> Notice:  # noqa: ARG001  (said by the article's author)
    return Notice(_("Somebody else will look after it."), "info")


def _edited(details: Details) -> Notice:
    subjects, priorities = zip(details["before"], details["after"], strict=True)
    facts = []
    if subjects[0] != subjects[1]:
        facts.append((_("Subject"), " → ".join(subjects)))
    if priorities[0] != priorities[1]:
        facts.append((_("Priority"), " → ".join(str(Ticket.Priority(one).label) for one in priorities)))
    sorted_as = zip(details.get("sorted_before", []), details.get("sorted_after", []), strict=False)
    for label, (was, becomes) in zip((_("Queue"), _("Category")), sorted_as, strict=False):
        if was != becomes:
            facts.append((label, f"{was or '–'} → {becomes or '–'}"))
    return Notice(_("Changed."), "info", facts)


register("alert-opened", _alert_opened)
register("alert-closed", _alert_closed, told=True)
register("alert-suppressed", _alert_suppressed)
register("alert-released", _alert_released)
register("alert-acknowledged", _alert_acknowledged)
register("alert-commented", _alert_commented)
register("alert-snoozed", _alert_snoozed)
register("alert-woken", _alert_woken)
register("alert-reopened", _alert_reopened)
register("alert-flapping", _alert_flapping)
register("alert-severity", _alert_severity)
register("remedy-ordered", _remedy_ordered)
register("remedy-helped", _remedy_helped)
register("remedy-over", _remedy_over)
register("remedy-person-needed", _remedy_person)
register("taken", _taken, told=True)
register("handed-over", _handed_over)
register("handed-back", _handed_back)
register("edited", _edited)
