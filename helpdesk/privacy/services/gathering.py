"""All that is kept of one person, source by source, other people masked and internal notes left out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Q
from django.utils import timezone

from fleet.people.models import Grant, User
from helpdesk.privacy import seeing, sources, words
from helpdesk.privacy.rules.masking import Masker

CHUNK = 500
NAMED = ("name", "number", "title")
"""What stands for a row that another one points to."""
WITHHELD = {"body", "details"}


@dataclass(frozen=True)
class Section:
    source: str
    """`tickets.Ticket.requester`: the table and why its row is here."""
    title: str
    rows: models.QuerySet[Any]


@dataclass(frozen=True)
class Wanted:
    """`scopes` None: the person's own export; else cut to what `reader`, who asked, manages and may see."""

    person: User
    reader: User
    scopes: list[int] | None

    @property
    def is_own(self) -> bool:
        return self.scopes is None


def masker(person: User) -> Masker:
    return Masker(person.pk, [person.email], User.objects.values_list("pk", "name"))


def sections(wanted: Wanted) -> list[Section]:
    found = [_account(wanted)]
    found += [_section(str(one), one.model, one.rows(wanted.person.pk), wanted) for one in sources.relations()]
    found += [_section(source, model, rows, wanted) for source, model, rows in _further(wanted.person)]
    return found


def _account(wanted: Wanted) -> Section:
    rows = User.objects.filter(pk=wanted.person.pk)
    return Section("people.User", words.title("people.User"), rows)


def _further(person: User) -> Iterator[tuple[str, type[models.Model], models.QuerySet[Any]]]:
    """What has no column for a person and yet is about them; a model that this release lacks is passed over."""
    ours = {"ticket__requester": person}
    written = {"article__author": person, "article__internal": False}
    answers = Q(ticket__requester=person, internal=False) & (~Q(author=person) | Q(author__isnull=True))
    declared: list[tuple[str, str, Q]] = [
        ("tickets.Article", "in my tickets", answers),
        ("tickets.Attachment", "of my articles", Q(**written)),
        ("tickets.Rating", "of my tickets", Q(**ours)),
        ("catalogue.ServiceRequest", "of my tickets", Q(**ours)),
        ("mail.IncomingMail", "from my address", Q(sender__iexact=person.email)),
    ]
    for label, why, condition in declared:
        model = _model(label)
        if model is not None:
            yield f"{label} {why}", model, model._base_manager.filter(condition)


def _model(label: str) -> type[models.Model] | None:
    try:
        return apps.get_model(label)
    except LookupError:
        return None


def _section(source: str, model: type[models.Model], rows: models.QuerySet[Any], wanted: Wanted) -> Section:
    if wanted.scopes is not None:
        inside = sources.within(model, wanted.scopes)
        if model is Grant:
            inside = Q(scope__in=wanted.scopes) | Q(scope__parent__in=wanted.scopes)
        rows = seeing.seen_by(wanted.reader, rows.filter(inside))
    return Section(source, words.title(source), rows.distinct() if "in my" in source else rows)


def told(section: Section, wanted: Wanted, hide: Masker) -> Iterator[dict[str, Any]]:
    """The section's rows, readable for programs; in pieces, so that 70,000 tickets fit into memory."""
    model = section.rows.model
    fields = sources.readable(model)
    related = [one for one in fields if _is_named(one)]
    rows = seeing.as_read_by(wanted.reader, section.rows).select_related(*[one.name for one in related]).order_by("pk")
    for row in rows.iterator(chunk_size=CHUNK):
        yield _row(row, fields, wanted, hide)


def _is_named(field: sources.Column) -> bool:
    related = field.related_model
    if not (field.is_relation and isinstance(related, type)) or related is User:
        return False
    return any(one.name in NAMED for one in related._meta.concrete_fields)


def _row(row: models.Model, fields: list[sources.Column], wanted: Wanted, hide: Masker) -> dict[str, Any]:
    """Of an internal note the person's own export says that there is one, and not what it says."""
    withheld = WITHHELD if wanted.is_own and getattr(row, "internal", False) else set()
    return {field.name: _value(row, field, hide) for field in fields if field.name not in withheld}


def _value(row: models.Model, field: sources.Column, hide: Masker) -> Any:
    value = seeing.value(row, field)
    if field.related_model is User or sources.PLAIN.get(row._meta.label) == field.attname:
        return hide.person(value)
    if _is_named(field):
        return None if value is None else _named(getattr(row, field.name), hide)
    if isinstance(row, User):
        return plain(value)  # the person's own name and address, whoever else is called the same
    return hide.value(plain(value))


def _named(related: Any, hide: Masker) -> dict[str, Any] | None:
    if related is None:
        return None
    name = next((str(getattr(related, one)) for one in NAMED if getattr(related, one, None)), "")
    return {"id": related.pk, "name": hide.text(name)}


def plain(value: Any) -> Any:
    """What JSON knows: instants with their offset (RFC 3339), everything unknown as text."""
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float | str | list | dict):
        return value
    return str(value)
