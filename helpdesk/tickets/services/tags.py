"""Tags, made the first time somebody uses them."""

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from fleet.people.models import User
from helpdesk.tickets.models import Tag, Ticket
from helpdesk.tickets.services.working import Contribution, add_article


def add(*, ticket: Ticket, name: str, by: User) -> bool:
    """False where it has it already; case and spaces make no other tag."""
    wanted = " ".join(name.split())
    with transaction.atomic():
        known = Tag.objects.filter(authority=ticket.authority_id, name__iexact=wanted).first()
        tag = known or Tag.objects.get_or_create(authority_id=ticket.authority_id, name=wanted)[0]
        return attach(ticket=ticket, tag=tag, by=by)


def attach(*, ticket: Ticket, tag: Tag, by: User) -> bool:
    with transaction.atomic():
        if ticket.tags.filter(pk=tag.pk).exists():
            return False
        ticket.tags.add(tag)
        said = Contribution(author=by, internal=True, notice="tagged", details={"tag": tag.name})
        add_article(ticket=ticket, contribution=said)
    return True


def remove(*, ticket: Ticket, tag_id: int) -> None:
    with transaction.atomic():
        ticket.tags.remove(tag_id)
        Ticket.objects.filter(pk=ticket.pk).update(version=F("version") + 1, updated_at=timezone.now())
