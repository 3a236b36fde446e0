"""What belongs to tickets, and is told of a person or of what is due only to those who may see the ticket elsewhere."""

from collections.abc import Iterator
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q

from fleet.events.models import Event
from fleet.people.models import User
from helpdesk.privacy.sources import Column
from helpdesk.tickets import notices, selectors
from helpdesk.tickets.models import Article, Ticket, TicketLink


def seen_by(reader: User, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """Without what belongs to a ticket that `reader` may not see: one for security people only, one that lies elsewhere."""
    for path in paths(rows.model):
        rows = rows.filter(Q(**{f"{path}__isnull": True}) | _visible(reader, path))
    if rows.model is Event:  # says by numbers alone what it is about; of a ticket that is gone nobody knows who might see it
        rows = rows.filter(~Q(subject_type=Ticket._meta.label_lower) | _visible(reader, "subject_id"))
    return rows


def _visible(reader: User, path: str) -> Exists:
    return Exists(Ticket.objects.visible_to(reader).filter(pk=OuterRef(path)))


def paths(model: type[models.Model], depth: int = 2) -> Iterator[str]:
    """How to get from a row to its tickets: `pk`, `ticket`, `article__ticket`, or several of them; nothing: it has none."""
    if model is Ticket:
        yield "pk"
        return
    for field in model._meta.concrete_fields:
        related = field.related_model
        if related is Ticket:
            yield field.name
        elif depth > 1 and isinstance(related, type) and related is not User:
            yield from (f"{field.name}__{path}" for path in paths(related, depth - 1))


def as_read_by(reader: User, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
    """With what `value` has to know of each row: of which other tickets `reader` may read. Not one query more."""
    if rows.model is Article:
        return selectors.as_read_by(reader, rows)
    others = [field for field in rows.model._meta.concrete_fields if _leads_to_another(rows.model, field)]
    told: models.QuerySet[Any] = rows.annotate(**{f"sees_{field.name}": _visible(reader, field.name) for field in others})
    return told


def value(row: models.Model, field: Column) -> Any:
    """What the column says to whoever reads (`as_read_by`): of a ticket that they may not see, nothing."""
    if isinstance(row, Article) and field.name == "details":
        return notices.named_in(row)
    hidden = _leads_to_another(type(row), field) and not getattr(row, f"sees_{field.name}")
    return None if hidden else getattr(row, field.attname)


def _leads_to_another(model: type[models.Model], field: Column) -> bool:
    """From a ticket to one that it has to do with: whether the first may be seen says nothing of the other."""
    return model in {Ticket, TicketLink} and field.related_model is Ticket
