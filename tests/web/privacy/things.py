"""What addresses name of privacy: what is known of a person, written out, and an erasure."""

from dataclasses import dataclass
from datetime import timedelta

from django.core.files.base import ContentFile
from django.utils import timezone

from fleet.devices.models import Device
from fleet.people.models import User
from helpdesk.privacy.models import Erasure, Export


@dataclass(frozen=True)
class PrivacyThings:
    export: Export
    erasure: Erasure


def make(device: Device, owner: User) -> PrivacyThings:
    leaver, asker = (
        User.objects.create_user(f"{name}-{device.pk}@musterstadt.example", name=f"{name} {device.site}")
        for name in ("geht", "fragt")
    )
    erasure = Erasure.objects.create(
        person=leaver, asked_by=asker, scopes=[device.site_id], pseudonym=f"Ehemalige Person {device.pk}"
    )
    return PrivacyThings(_export(device, owner), erasure)


def _export(device: Device, owner: User) -> Export:
    asked_by = User.objects.get(grants__role="administrator", grants__scope=device.authority_id)
    ends = timezone.now() + timedelta(days=1)
    export = Export(person=owner, asked_by=asked_by, state="ready", scopes=[device.site_id], expires_at=ends)
    for name, content in (("data", b'{"sections": []}'), ("document", f"%PDF {device.name}".encode())):
        getattr(export, name).save(f"exports/{name}-{device.pk}", ContentFile(content), save=False)
    export.save()
    return export
