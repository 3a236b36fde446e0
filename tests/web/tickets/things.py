"""What addresses name of tickets: one with an article and a file, a queue, work on many at once."""

import io
from dataclasses import dataclass

from fleet.devices.models import Device
from fleet.people.models import User
from helpdesk.tickets.models import Article, Attachment, BulkJob, Macro, Queue, Tag, Ticket, TicketLink
from helpdesk.tickets.services.attachments import attach, keep
from tests.conftest import scope_of


@dataclass(frozen=True)
class TicketThings:
    ticket: Ticket
    article: Article
    attachment: Attachment
    bulk_job: BulkJob
    queue: Queue
    link: TicketLink
    macro: Macro
    tag: Tag


def make(device: Device, owner: User) -> TicketThings:
    ticket = Ticket.objects.create(
        **scope_of(device),
        number=f"T-{device.pk}",
        subject=f"Störung bei {device.name}",
        requester=owner,
        room=device.room,
    )
    article = Article.objects.create(ticket=ticket, author=owner, body="Es geht nicht.", html="<b>Es geht nicht.</b>")
    (attachment,) = attach(article=article, files=[keep(source=io.BytesIO(b"bits"), name=f"{device.name}.txt")])
    return TicketThings(
        ticket=ticket,
        article=article,
        attachment=attachment,
        bulk_job=BulkJob.objects.create(
            by=User.objects.get(grants__role="administrator", grants__scope=device.authority_id), act="take"
        ),
        link=_link(ticket),
        macro=Macro.objects.create(authority=device.authority, name_de=f"Baustein {device.pk}", body_de="{{ me }}"),
        tag=_tag(ticket),
        queue=Queue.objects.create(authority=device.authority, slug=f"q-{device.pk}", name_de=f"Netz {device.pk}"),
    )


def _link(ticket: Ticket) -> TicketLink:
    scope = {"authority_id": ticket.authority_id, "site_id": ticket.site_id}
    other = Ticket.objects.create(**scope, number=f"L-{ticket.pk}", subject="Auch das")
    return TicketLink.objects.create(source=ticket, target=other)


def _tag(ticket: Ticket) -> Tag:
    tag = Tag.objects.create(authority_id=ticket.authority_id, name=f"Marke {ticket.pk}")
    ticket.tags.add(tag)
    return tag
