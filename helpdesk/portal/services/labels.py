"""The signed link on a device's label."""

import base64
from urllib.parse import urljoin

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from fleet.devices.models import Device
from fleet.events.services import Fact, emit
from fleet.people.models import User
from helpdesk.portal.models import Label

BYTES = 10
"""80 bits: far more than anybody can try against a server, and short enough for a small QR code."""
DIGITS = 15


def token(device: Device) -> str:
    return f"{device.pk}-{_signature(device.pk, version(device), settings.SECRET_KEY)}"


def link(device: Device) -> str:
    """What the QR code says: an address that a phone's camera opens."""
    return urljoin(settings.BASE_URL, reverse("portal:scan", args=[token(device)]))


def device_of(text: str) -> Device | None:
    """The device in service whose label says so; None for what nobody signed and for a link that was renewed since."""
    number, _, signature = text.partition("-")
    if not (number.isascii() and number.isdecimal()) or len(number) > DIGITS:
        return None
    rows = Device.objects.in_service().select_related("site", "room", "label")
    device = rows.filter(pk=int(number)).first()
    keys: list[str] = [settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS)]
    if device is None:
        return None
    fits = [constant_time_compare(signature, _signature(device.pk, version(device), key)) for key in keys]
    return device if any(fits) else None


def version(device: Device) -> int:
    label: Label | None = getattr(device, "label", None)
    return label.version if label else 1


def _signature(device_id: int, number: int, key: str) -> str:
    made = salted_hmac("portal.label", f"{device_id}:{number}", secret=key, algorithm="sha256").digest()[:BYTES]
    return base64.b32encode(made).decode().lower()


def renew(*, device: Device, by: User) -> Label:
    """A new link; what is printed opens nothing any more."""
    with transaction.atomic():
        Label.objects.get_or_create(device=device)
        label = Label.objects.select_for_update().get(device=device)
        label.version, label.renewed_at, label.renewed_by = label.version + 1, timezone.now(), by
        label.save()
        emit(
            Fact(
                name="label.renewed",
                subject=label,
                authority_id=device.authority_id,
                site_id=device.site_id,
                actor_id=by.pk,
                payload={"device_id": device.pk, "version": label.version},
            )
        )
    return label
