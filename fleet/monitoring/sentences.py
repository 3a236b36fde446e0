"""How a device is, in one sentence that says on what evidence."""

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fleet.devices.models import Device
from fleet.monitoring import words
from fleet.monitoring.models import Health
from fleet.web.templatetags.pieces import since


def evidence(device: Device, health: Health | None, now: datetime) -> str:
    """ "It answered over SNMP 12 sec. ago.", "Five questions in a row …": for whoever may know details."""
    return _said(device, health, now).replace("..", ".")  # "vor 12 Sek." ends a sentence by itself


def _said(device: Device, health: Health | None, now: datetime) -> str:
    if health is None:
        return unasked(device)
    if health.status == Health.Status.DOWN:
        return _silent(health, now)
    if health.answered_at is None:
        return _("It has not answered yet.") if health.polled_at else _("It has not been asked yet.")
    if health.failures:
        return _failing(health, now)
    return _("It answered %s.") % since(health.answered_at, now)


def unasked(device: Device) -> str:
    """Why nobody asks it."""
    if device.lifecycle != Device.Lifecycle.ACTIVE:
        return _("It is not in service: nobody asks it.")
    if device.address is None:
        return _("Nobody asks it: it has no address.")
    if device.snmp_credential_id is None:
        return _("Nobody asks it: it has no credential for SNMP.")
    return _("It has not been asked yet.")


def _silent(health: Health, now: datetime) -> str:
    said = _questions(health.failures) % {"count": health.failures, "reason": words.reason(health.reason)}
    if health.answered_at is None:
        return f"{said} {_('It has never answered.')}"
    return f"{said} {_('The last answer came %s.') % since(health.answered_at, now)}"


def _failing(health: Health, now: datetime) -> str:
    said = _questions(health.failures) % {"count": health.failures, "reason": words.reason(health.reason)}
    answered = since(health.answered_at or health.status_since, now)
    return f"{said} {_('It counts as silent once that is confirmed; the last answer came %s.') % answered}"


def _questions(count: int) -> str:
    return ngettext(
        "%(count)d question without a usable answer: it %(reason)s.",
        "%(count)d questions in a row without a usable answer: it %(reason)s.",
        count,
    )
