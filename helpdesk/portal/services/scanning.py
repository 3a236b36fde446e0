"""A report by whoever stands before a device: no account, no name, one open ticket for the same fault."""

import secrets
import time
from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac

from fleet.devices.models import Device
from helpdesk.portal import words
from helpdesk.portal.rules import scanning as rules
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Ticket
from helpdesk.tickets.services.opening import key_after_all, keys_about

_form = signing.TimestampSigner(salt="portal.scan")


@dataclass(frozen=True)
class Reported:
    ticket: Ticket
    known: bool
    """Somebody, or monitoring, had said so before."""


class TooManyError(Exception):
    """More reports than people make."""


def form_token(device: Device) -> str:
    """Goes with the form in place of a cookie: only who was shown this device's page can send it."""
    return _form.sign(f"{device.pk}.{secrets.token_hex(8)}")


def sent_from_form(device: Device, token: str) -> bool:
    try:
        said = _form.unsign(token, max_age=rules.FORM_VALID)
    except signing.BadSignature:
        return False
    return said.partition(".")[0] == str(device.pk)


def report(*, device: Device, fault: str, address: str) -> Reported:
    """Raises TooManyError. `address`: the client's; neither it nor its network is kept."""
    _count(f"device:{device.pk}", rules.PER_DEVICE)
    _count(f"network:{_veiled(rules.network_of(address))}", rules.PER_NETWORK)
    known = _known(device, fault)
    if known is None:
        return Reported(tickets.open_ticket(opening=_opening(device, fault)), known=False)
    stretch = rules.bucket(time.time(), rules.SAID_AGAIN)
    tickets.add_article(
        ticket=known,
        contribution=tickets.Contribution(author=None, notice="scanned-again", details={"fault": fault}),
        idempotency_key=f"scan:{known.pk}:{fault}:{stretch}",
    )
    return Reported(known, known=True)


def _count(what: str, limit: int) -> None:
    key = f"portal.scan:{what}:{int(time.time() // rules.WINDOW_S)}"
    cache.add(key, 0, rules.WINDOW_S)
    try:
        count = cache.incr(key)
    except ValueError:  # gone in between: its time was over
        return
    if count > limit:
        raise TooManyError


def _veiled(network: str) -> str:
    return salted_hmac("portal.scan", f"{timezone.localdate()}:{network}", algorithm="sha256").hexdigest()[:16]


def _known(device: Device, fault: str) -> Ticket | None:
    here = Ticket.objects.open()
    alerted = here.filter(alert__device=device, alert__closed_at__isnull=True)
    scanned = here.filter(idempotency_key__startswith=keys_about(None, _about(device, fault)))
    return alerted.first() or scanned.first()


def _about(device: Device, fault: str) -> str:
    return f"scan:{device.pk}:{fault}"


def _opening(device: Device, fault: str) -> tickets.Opening:
    with translation.override(settings.LANGUAGE_CODE):
        subject = f"{words.FAULTS[fault]} · {device.name}"
    return tickets.Opening(
        site=device.site,
        subject=subject,
        room=device.room,
        devices=[device],
        notice="scanned",
        details={"fault": fault},
        idempotency_key=key_after_all(None, _about(device, fault)),
    )
