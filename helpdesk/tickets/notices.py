"""What Fleetdesk itself says in a ticket: one sentence per key, in the reader's language, and the evidence under it.

Upper rooms register theirs; a key that nobody knows any more is shown as it is rather than lost.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import formats, timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from fleet.monitoring import words
from fleet.people.rules import Action
from helpdesk.tickets.models import Article, Ticket

Details = dict[str, Any]


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
    return wording(article.details) if wording else Notice(article.notice)


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
    facts += words.evidence(evidence.get("last_values", {}))
    if details["alert_kind"] == "unreachable":
        sentence = _("%(place)s does not answer. Measured several times, last at %(at)s.")
    else:
        sentence = _("%(place)s reports a value beyond its limit, measured at %(at)s.")
    said = sentence % {"place": place(details), "at": clock(evidence.get("measured_at"))}
    return Notice(said, "down", facts, measured_at=parse_datetime(evidence.get("measured_at") or ""))


def _alert_closed(details: Details) -> Notice:
    evidence = details["evidence"]
    if details.get("alert_kind") == "unreachable" and details.get("device_kind") == "access-point" and details.get("room"):
        said = _("Done. Measured again at %(at)s: the Wi-Fi in room %(room)s is back.")
    else:
        said = _("Done. Measured again at %(at)s: %(place)s is working again.")
    names = {"place": place(details), "room": details.get("room", ""), "at": clock(evidence.get("measured_at"))}
    return Notice(said % names, "ok", words.evidence(evidence.get("values", {})))


def _alert_suppressed(details: Details) -> Notice:
    return Notice(_("The cause lies with %(cause)s. When that works again this is measured anew.") % details, "info")


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
    return Notice(_("Changed."), "info", facts)


register("alert-opened", _alert_opened)
register("alert-closed", _alert_closed, told=True)
register("alert-suppressed", _alert_suppressed)
register("taken", _taken, told=True)
register("handed-over", _handed_over)
register("handed-back", _handed_back)
register("edited", _edited)
