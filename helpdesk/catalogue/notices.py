"""What the ticket says about its change, in sentences."""

from typing import Any

from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from fleet.automation import words
from fleet.people.rules import Action
from helpdesk.catalogue import answers, offers
from helpdesk.catalogue.offers import fill
from helpdesk.tickets.notices import Details, Link, Notice, Wording, clock, register

UNDERWAY: dict[str, tuple[str, str | Promise]] = {
    "change-previewed": ("info", gettext_lazy("Checked on the devices. Somebody responsible has to agree now.")),
    "change-asked-anew": (
        "info",
        gettext_lazy("What was agreed to holds no more. Somebody responsible has to agree anew."),
    ),
    "change-waiting": ("watch", gettext_lazy("It waits its turn: another change is busy with %(device)s.")),
    "change-started": ("info", gettext_lazy("Begun at %(clock)s.")),
    "change-retried": ("info", gettext_lazy("A technician has it measured, and tried again if need be.")),
    "change-revert-waits": (
        "watch",
        gettext_lazy("Where it cannot be taken back at the moment, it is tried again by itself."),
    ),
    "change-made-good": (
        "info",
        gettext_lazy("The work was cut off in its middle. What was there before was brought back by itself."),
    ),
    "change-extended": ("info", gettext_lazy("Its end was changed.")),
    "change-ended-early": ("info", gettext_lazy("It is taken back earlier than ordered.")),
}
ENDED: dict[str, tuple[str, str | Promise]] = {
    "change-refuted": (
        "down",
        gettext_lazy(
            "The devices took the change, but measured at %(measured)s it has no effect. A technician looks at it."
        ),
    ),
    "change-unknown": ("unknown", gettext_lazy("It could not be measured whether it worked. A technician looks at it.")),
    "change-failed": ("down", gettext_lazy("It did not work. A technician looks at it.")),
    "change-lost": (
        "down",
        gettext_lazy(
            "The work was interrupted in the middle. It is not repeated by itself: a technician first checks how the "
            "devices are."
        ),
    ),
    "change-paused-as-another": (
        "watch",
        gettext_lazy(
            "It stands still: a device is no longer the one that was agreed to, by its address for instance. A technician "
            "looks at it."
        ),
    ),
    "change-rejected": ("unknown", gettext_lazy("It was not agreed to. Nothing was changed.")),
    "change-not-made-good": (
        "down",
        gettext_lazy("The work was cut off in its middle, and what was there before is not back. A technician looks at it."),
    ),
}
CHECK_AND_RETRY = gettext_lazy("To the change: check and retry")
LOOKED_AT = {
    **dict.fromkeys(["change-refuted", "change-unknown", "change-failed", "change-lost"], CHECK_AND_RETRY),
    "change-paused-as-another": gettext_lazy("To the change"),
}
"""What is asked of a technician there, said by the link to the change."""


def _wording(key: str, state: str, sentence: str | Promise) -> Wording:
    def say(details: Details) -> Notice:
        names = {"device": details.get("device", ""), "clock": clock(details.get("at")), "measured": _measured(details)}
        link = _change(details, LOOKED_AT[key]) if key in LOOKED_AT else None
        return _notice(details, str(sentence) % names, state, link)

    return say


def _notice(details: Details, sentence: str, state: str, link: Link | None = None) -> Notice:
    rows = [words.evidence_row(one) for one in details.get("evidence") or []]
    return Notice(sentence, state, [], rows, _measured_at(details), link)


def _measured_at(details: Details) -> Any:
    latest = max((one["measured_at"] for one in details.get("evidence") or [] if one.get("measured_at")), default=None)
    return parse_datetime(latest) if latest else None


def _measured(details: Details) -> str:
    moment = _measured_at(details)
    return clock(moment.isoformat() if moment else details.get("at"))


def _change(details: Details, title: str | Promise) -> Link:
    return Link(str(title), reverse("automation:change", args=[details["change_id"]]), Action.CONTROL_RUNS)


def _approved(details: Details) -> Notice:
    if details.get("starts_at"):
        return Notice(_("Agreed. It begins by itself: %(when)s.") % {"when": clock(details["starts_at"])})
    return Notice(_("Agreed. It begins by itself."))


def _cancelled(details: Details) -> Notice:
    if details.get("never_allowed"):
        return Notice(_("The hour in which it may happen never came. Nothing was changed."), "unknown")
    if details.get("too_late"):
        return Notice(_("Nobody had agreed when its time came. Nothing was changed."), "unknown")
    return Notice(_("It was stopped."), "unknown")


def _confirmed(details: Details) -> Notice:
    effect = _effect(details, "done") or _("it works.")
    said = _("Done. Measured at %(measured)s: %(effect)s") % {"measured": _measured(details), "effect": effect}
    return _notice(details, said, "ok")


def _reverted(details: Details) -> Notice:
    effect = _effect(details, "undone") or _("it was taken back.")
    said = _("The time is over. Measured at %(measured)s: %(effect)s")
    return _notice(details, said % {"measured": _measured(details), "effect": effect}, "ok")


def _revert_failed(details: Details) -> Notice:
    if names := details.get("names"):
        shown = ", ".join(names) + (" …" if len(details.get("not_reached", ())) > len(names) else "")
        said = _("It could not be taken back on %(devices)s: not reached for %(hours)d hours. A technician looks there.")
        return _notice(
            details, said % {"devices": shown, "hours": details["waited_h"]}, "down", _change(details, CHECK_AND_RETRY)
        )
    said = _("The time is over, but it could not be taken back for certain. A technician looks at it.")
    return _notice(details, said, "down", _change(details, CHECK_AND_RETRY))


def _effect(details: Details, which: str) -> str:
    """The offer's own sentence, with what was ordered put in."""
    offer = offers.get(details.get("slug", ""))
    text = getattr(offer, which) if offer else None
    if text is None:
        return ""
    values = {**details.get("values", {}), "room": details.get("room", ""), "device": _device(details)}
    return fill(text.in_language(get_language()), values)


def _device(details: Details) -> str:
    return next((one["device"] for one in details.get("evidence") or [] if one.get("device")), "")


def _ordered(details: Details) -> Notice:
    offer = offers.get(details["slug"])
    title = offer.title.in_language(get_language()) if offer else details["slug"]
    span = ((_("From"), details.get("starts_at")), (_("Until"), details.get("ends_at")))
    said = [(label, clock(when)) for label, when in span if when]
    if offer:
        said += answers.facts(offer, details.get("answers", {}))
    sentence = _("Ordered: %(title)s.") % {"title": title}
    if details.get("agreement"):
        sentence += " " + _("Somebody responsible has to agree first.")
    return Notice(sentence, "info", said)


def _order_agreed(details: Details) -> Notice:  # noqa: ARG001  (said by the article's author)
    return Notice(_("Agreed. It is looked after now."), "ok")


def _order_refused(details: Details) -> Notice:  # noqa: ARG001  (said by the article's author)
    return Notice(_("It was not agreed to."), "unknown")


def register_all() -> None:
    for key, (state, sentence) in UNDERWAY.items():
        register(key, _wording(key, state, sentence))
    for key, (state, sentence) in ENDED.items():
        register(key, _wording(key, state, sentence), told=True)
    register("ordered", _ordered)
    register("order-agreed", _order_agreed, told=True)
    register("order-refused", _order_refused, told=True)
    register("change-approved", _approved)
    register("change-cancelled", _cancelled, told=True)
    register("change-confirmed", _confirmed, told=True)
    register("change-reverted", _reverted, told=True)
    register("change-revert-failed", _revert_failed, told=True)
