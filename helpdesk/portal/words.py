"""What teachers read."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from helpdesk.portal.rules import Mood, outage
from helpdesk.tickets.models import Ticket

TROUBLES: dict[str, str | Promise] = {
    "wifi": gettext_lazy("Wi-Fi does not work"),
    "internet": gettext_lazy("No internet"),
    "printer": gettext_lazy("Printer does not print"),
    "screen": gettext_lazy("Screen or projector stays dark"),
    "device": gettext_lazy("A computer or tablet is stuck"),
    "other": gettext_lazy("Something else"),
}

FAULTS: dict[str, str | Promise] = {
    "wifi": gettext_lazy("No Wi-Fi"),
    "screen": gettext_lazy("No picture or no sound"),
    "device": gettext_lazy("Does not switch on, or is stuck"),
    "other": gettext_lazy("Something else"),
}
"""What can be said by scanning a label."""

THINGS: dict[str, str | Promise] = {
    "access-point": gettext_lazy("The Wi-Fi here"),
    "wireless-controller": gettext_lazy("The Wi-Fi here"),
    "switch": gettext_lazy("The network here"),
    "router": gettext_lazy("The internet here"),
    "firewall": gettext_lazy("The internet here"),
    "printer": gettext_lazy("The printer"),
}
"""Kinds of device as people call them who only use them."""

STATES: dict[str, str | Promise] = {
    "ok": gettext_lazy("Running"),
    "watch": gettext_lazy("Not quite right"),
    "down": gettext_lazy("Out of order"),
    "maintenance": gettext_lazy("Being looked after"),
    "unknown": gettext_lazy("Not known yet"),
}

_OUTAGES: dict[str, tuple[str | Promise, str | Promise]] = {
    "wifi": (gettext_lazy("The Wi-Fi in room %(room)s is disturbed."), gettext_lazy("The Wi-Fi is disturbed.")),
    "printer": (gettext_lazy("The printer in room %(room)s is disturbed."), gettext_lazy("A printer is disturbed.")),
    "network": (gettext_lazy("The network is disturbed."), gettext_lazy("The network is disturbed.")),
    "device": (
        gettext_lazy("A device in room %(room)s is disturbed: %(device)s."),
        gettext_lazy("A device is disturbed: %(device)s."),
    ),
}


def thing(kind: str) -> str:
    return str(THINGS.get(kind) or _("The device"))


def how_it_is(mood: Mood, *, watched: int = 0) -> str:
    """`watched`: known outages that are still followed up, though every room may be well by now."""
    if mood.state == "down":
        return _disturbed(mood)
    if mood.state == "maintenance" and not watched:
        return _serviced(mood)
    if mood.known and watched:
        return _("At the moment everything answers. We are still watching what was disturbed.")
    if mood.known:
        return _("Everything is running.")
    return _("Nothing has been measured yet. This takes a minute.")


def _disturbed(mood: Mood) -> str:
    if mood.disturbed:
        return (
            ngettext(
                "There is a fault in %d room. We are on it.", "There are faults in %d rooms. We are on it.", mood.disturbed
            )
            % mood.disturbed
        )
    said = ngettext(
        "A device without a room is disturbed. We are on it.",
        "%(count)d devices without a room are disturbed. We are on it.",
        mood.loose_disturbed,
    )
    return said % {"count": mood.loose_disturbed}


def _serviced(mood: Mood) -> str:
    if mood.serviced:
        return (
            ngettext(
                "Maintenance is on in %d room, there is no fault.",
                "Maintenance is on in %d rooms, there is no fault.",
                mood.serviced,
            )
            % mood.serviced
        )
    said = ngettext(
        "Maintenance is on at a device without a room, there is no fault.",
        "Maintenance is on at %(count)d devices without a room, there is no fault.",
        mood.loose_serviced,
    )
    return said % {"count": mood.loose_serviced}


def known_outage(ticket: Ticket) -> str:
    """What is out of order, as those who miss it call it. For a ticket that an alert opened."""
    device = ticket.alert.device if ticket.alert else None
    if device is None:
        return ticket.subject
    somewhere, anywhere = _OUTAGES[outage(device.kind)]
    names = {"room": ticket.room.number if ticket.room else "", "device": device.name}
    said = str(somewhere if ticket.room else anywhere) % names
    if not answers_just_now(ticket):
        return said
    return _("%(sentence)s It comes and goes; at the moment it works.") % {"sentence": said}


def answers_just_now(ticket: Ticket) -> bool:
    """Whether what its alert speaks of is well at this moment, and is only watched because it comes and goes."""
    return ticket.alert is not None and ticket.alert.closed_at is None and ticket.alert.quiet_since is not None


def pressing(*, simple: bool) -> str:
    return _("Do you need it right now?") if simple else _("Does it block a lesson right now?")
