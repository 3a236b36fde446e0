"""Why a change of some playbook has no end: one sentence for pages, refusals and the API."""

from django.utils.translation import gettext_lazy

from fleet.automation.catalogue.model import Playbook

_WHY = {
    "": "",
    "no-way-back": gettext_lazy("This change has no end, since its playbook does not say how it is taken back."),
    "whole-device": gettext_lazy(
        "This change has no end: taking it back puts back all that the device had before, and what others have changed there"
        " since would go with it. Roll it back by hand when the time has come."
    ),
}

TAKES_AWAY = gettext_lazy("What switches off has no end: order it without, and switch it on again with a change of its own.")


def no_end(playbook: Playbook) -> str:
    """Empty where the end of a time span can take it back."""
    return str(_WHY[playbook.why_no_end])
