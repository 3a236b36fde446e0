"""What an order will bring, said before it is sent."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fleet.automation.catalogue import Playbook
from fleet.automation.services.policy import approvals_for
from fleet.monitoring.words import duration
from helpdesk.catalogue.offers import Offer, playbook_of

A_MINUTE_S = 60


def of(offer: Offer) -> list[str]:
    """Sentences in the order in which things happen."""
    playbook = playbook_of(offer)
    if playbook is None:
        return _by_people(offer)
    told = [_("First it is tried out on the devices without changing anything."), _agreement(playbook)]
    told.append(_how_long(playbook.expected_duration_s))
    told.append(_("Afterwards it is measured whether it works. You get a mail."))
    if offer.time_box:
        told.append(_("At the end of its time it is taken back by itself, and measured again."))
    return told


def _by_people(offer: Offer) -> list[str]:
    told = [_("Somebody responsible agrees first.")] if offer.approvers else []
    if offer.restricted:
        told.append(_("What you say here is read by the people for security alone."))
    told.append(_("A person reads your order and answers you in the ticket."))
    if offer.school_days:
        told.append(
            ngettext("It usually takes %d school day.", "It usually takes %d school days.", offer.school_days)
            % offer.school_days
        )
    return told


def _how_long(seconds: float) -> str:
    if seconds < A_MINUTE_S:
        return _("It takes less than a minute on each device.")
    return _("It takes about %(time)s on each device.") % {"time": duration(seconds)}


def _agreement(playbook: Playbook) -> str:
    return {
        0: _("Nobody has to agree: it begins by itself."),
        1: _("Then somebody responsible agrees."),
        2: _("Then two responsible people agree."),
    }[approvals_for(playbook, ()).count]
