"""What addresses name of mail: a mailbox and what came into it."""

import io
from dataclasses import dataclass

from fleet.devices.models import Device
from helpdesk.mail.models import IncomingMail, Mailbox
from helpdesk.tickets.services.attachments import keep
from tests.conftest import scope_of


@dataclass(frozen=True)
class MailThings:
    mail: IncomingMail
    mailbox: Mailbox


def make(device: Device) -> MailThings:
    mailbox = Mailbox.objects.create(**scope_of(device), address=f"it-{device.pk}@musterstadt.example")
    kept = keep(source=io.BytesIO(f"Mail an {device.site}".encode()), name="mail.eml")
    mail = IncomingMail.objects.create(
        authority_id=device.authority_id,
        mailbox=mailbox,
        key=f"<{device.pk}@x.example>",
        subject=f"Mail an {device.site}",
        file=kept.file,
        digest=kept.digest,
        size=kept.size,
        outcome="quarantined",
    )
    return MailThings(mail, mailbox)
