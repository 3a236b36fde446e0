"""What an order will bring, said before it is sent."""

from django.utils.translation import gettext as _

from fleet.automation.catalogue import Playbook
from fleet.automation.rules.lifecycle import APPROVALS_NEEDED
from fleet.monitoring.words import duration
from helpdesk.catalogue.offers import Offer, playbook_of


def of(offer: Offer) -> list[str]:
    """Sentences in the order in which things happen."""
    playbook = playbook_of(offer)
    if playbook is None:
        return [_("A person reads your order and answers you in the ticket.")]
    told = [_("First it is tried out on the devices without changing anything."), _agreement(playbook)]
    told.append(_("It takes about %(time)s on each device.") % {"time": duration(playbook.expected_duration_s)})
    told.append(_("Afterwards it is measured whether it works. You get a mail."))
    if offer.time_box:
        told.append(_("At the end of its time it is taken back by itself, and measured again."))
    return told


def _agreement(playbook: Playbook) -> str:
    return {
        0: _("Nobody has to agree: it begins by itself."),
        1: _("Then somebody responsible agrees."),
        2: _("Then two responsible people agree."),
    }[APPROVALS_NEEDED[playbook.risk]]
