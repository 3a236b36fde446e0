"""What can be wrong with what was asked for."""

from typing import Any

from django.utils.translation import gettext as _

from fleet.devices import rules


class DeviceError(Exception):
    """What was asked for cannot be; `field` is what to change, the text is for the person who asked."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


def checked(field: str, rule: Any, text: str) -> str:
    try:
        checked: str = rule(text)
    except rules.AddressError as error:
        raise DeviceError(field, _("“%s” cannot be read as an address.") % text) from error
    return checked
