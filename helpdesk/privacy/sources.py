"""Where a person is in the database: found in the models themselves, so that no new room is forgotten."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from django.apps import apps
from django.db import models

from fleet.people.models import User
from fleet.secrets.fields import EncryptedJSONField

Column: TypeAlias = "models.Field[Any, Any]"
PLAIN = {"events.Event": "actor_id", "events.Webhook": "made_by_id", "web.RequestKey": "person_id"}
"""Columns that hold a person's number without being a relation."""
OURS = "privacy"
NEVER = frozenset({"password", "digest", "session_key", "session_data", "key", "data", "token", "idempotency_key", "claim"})
"""Columns with secrets, or with what proves one."""


@dataclass(frozen=True)
class Relation:
    """`model` points to a person by `field`; `column` is what to filter by. `goes`: the row would go with the account."""

    model: type[models.Model]
    field: str
    column: str
    many: bool = False
    goes: bool = False

    def __str__(self) -> str:
        return f"{self.model._meta.label}.{self.field}"

    def rows(self, person_id: int) -> models.QuerySet[Any]:
        return self.model._base_manager.filter(**{self.column: person_id})


@cache
def relations() -> tuple[Relation, ...]:
    """Every column and every many-to-many relation that names a person, but for this room's own book-keeping."""
    found = [one for model in apps.get_models() if model._meta.app_label != OURS for one in _of(model)]
    return tuple(sorted(found, key=str))


def _of(model: type[models.Model]) -> Iterator[Relation]:
    for field in model._meta.concrete_fields:
        if field.related_model is User:
            goes = getattr(field.remote_field, "on_delete", None) is models.CASCADE
            yield Relation(model, field.name, field.attname, goes=goes)
    for many in model._meta.many_to_many:
        if many.related_model is User:
            yield Relation(model, many.name, many.name, many=True)
    if plain := PLAIN.get(model._meta.label):
        yield Relation(model, plain, plain, goes=model._meta.label == "web.RequestKey")


def readable(model: type[models.Model]) -> list[Column]:
    """The columns that may be told: no secrets, nothing that proves one, no packed bytes."""
    return [
        field
        for field in model._meta.concrete_fields
        if field.name not in NEVER
        and "secret" not in field.name
        and not isinstance(field, EncryptedJSONField | models.BinaryField | models.CompositePrimaryKey)
    ]


def texts(model: type[models.Model]) -> list[Column]:
    """The columns in which somebody's name may stand as a text: free text and JSON."""
    kinds = (models.CharField, models.TextField, models.JSONField)
    left_out = (EncryptedJSONField, models.SlugField)
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, kinds)
        and not isinstance(field, left_out)
        and not field.choices
        and not field.primary_key
        and field.name not in NEVER
    ]


def scope_path(model: type[models.Model], depth: int = 3) -> str | None:
    """How to get from a row to its `authority` (and `site`): "", "ticket__", "article__ticket__"; None: it has none."""
    if any(field.attname == "authority_id" for field in model._meta.concrete_fields):
        return ""
    if depth == 0:
        return None
    for field in model._meta.concrete_fields:
        related = field.related_model
        if isinstance(related, type) and related is not User:
            deeper = scope_path(related, depth - 1)
            if deeper is not None:
                return f"{field.name}__{deeper}"
    return None


def within(model: type[models.Model], scopes: list[int]) -> models.Q:
    """Rows that lie in these authorities and sites; all rows of what lies nowhere (a person's logins and tokens)."""
    path = scope_path(model)
    if path is None:
        return models.Q()
    end = model
    for step in path.split("__")[:-1]:
        end = end._meta.get_field(step).related_model  # type: ignore[assignment]  # scope_path only goes along relations
    inside = models.Q(**{f"{path}authority_id__in": scopes})
    if any(field.attname == "site_id" for field in end._meta.concrete_fields):
        inside |= models.Q(**{f"{path}site_id__in": scopes})
    return inside
