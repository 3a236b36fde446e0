"""The way through the database on which a person is erased. Each step is found in the models and is safe to repeat."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Cast

from fleet.automation.rules.lifecycle import ENDED
from fleet.people.models import User
from helpdesk.privacy import sources
from helpdesk.privacy.rules.pseudonyms import Reach, Replacement
from helpdesk.privacy.services.removing import File, files_of, forget_files, remove
from helpdesk.privacy.sources import Column

WINDOW = 20_000
"""Rows that one query looks at, at most."""
BATCH = 200
"""Rows that one transaction changes, at most."""
PLACES = frozenset({"devices", "sites"})
"""Rooms whose names are names of places and things."""
PEOPLE = frozenset({"people.User", "people.Scope", "account.EmailAddress"})
"""Where other people's names, and those of schools, stand: only the address is looked for."""
FORMATTED = frozenset({"html"})
"""Columns with formatted text, of which there is a plain one too."""
UNLESS_RUNNING = {"automation.Change": Q(state__in=ENDED)}
"""What was agreed to by its digest is not reworded before it is over."""
ORIGINALS: Mapping[str, tuple[str, Mapping[str, Any]]] = {"mail.IncomingMail": ("sender", {"file": "", "secret": None})}
"""Mail as it came: its file goes with its sender, and the key with which a copy of it could be opened."""


@dataclass(frozen=True)
class Look:
    """What is looked for, and how far."""

    person_id: int
    replacement: Replacement
    reach: Reach


@dataclass(frozen=True)
class Step:
    """`rows`: all that has to be looked at; `carry_out` changes those with these keys in the caller's transaction."""

    key: str
    rows: models.QuerySet[Any]
    hits: models.QuerySet[Any]
    """Those of them that have to be changed."""
    carry_out: Callable[[list[int]], int]


def steps(look: Look) -> list[Step]:
    """In a fixed order; each key is stable, so that a job goes on after an upgrade."""
    return [*_originals(look), *_rows_that_go(look), *_texts(look)]


# --- rows -------------------------------------------------------------------------------------------------------------


def _rows_that_go(look: Look) -> Iterator[Step]:
    """What would have gone with the account: roles, tokens, logins, mails to them, drafts; and their place in lists."""
    for one in sources.relations():
        if one.many:
            through = getattr(one.model, one.field).through
            column = next(field.name for field in through._meta.concrete_fields if field.related_model is User)
            yield _removal(f"leave:{one}", through._base_manager.filter(**{column: look.person_id}))
        elif one.goes:
            yield _removal(f"delete:{one}", one.rows(look.person_id))
    for label, field in (("privacy.Export", "person"), ("privacy.Export", "asked_by")):
        rows = apps.get_model(label)._base_manager.filter(**{field: look.person_id})
        yield _removal(f"delete:{label}.{field}", rows)


def _removal(key: str, rows: models.QuerySet[Any]) -> Step:
    def carry_out(keys: list[int]) -> int:
        return remove(list(rows.filter(pk__in=keys).select_for_update(of=("self",)))).count

    return Step(key, rows, rows, carry_out)


def _originals(look: Look) -> Iterator[Step]:
    for label, (sender, emptied) in ORIGINALS.items():
        try:
            model = apps.get_model(label)
        except LookupError:
            continue
        theirs = Q()
        for mail in look.replacement.mails:
            theirs |= Q(**{f"{sender}__iexact": mail})
        rows = model._base_manager.filter(theirs)
        yield Step(f"original:{label}", rows, rows.exclude(**_as_it_ends(emptied)), _emptying(rows, emptied))


def _as_it_ends(emptied: Mapping[str, Any]) -> dict[str, Any]:
    """As a filter: what is encrypted can only be asked whether it is there."""
    return {f"{name}__isnull" if value is None else name: value is None or value for name, value in emptied.items()}


def _emptying(rows: models.QuerySet[Any], emptied: Mapping[str, Any]) -> Callable[[list[int]], int]:
    def carry_out(keys: list[int]) -> int:
        locked = list(rows.filter(pk__in=keys).select_for_update(of=("self",)))
        files: list[File] = list(files_of(locked))
        forget_files(files)
        return rows.filter(pk__in=keys).update(**emptied)

    return carry_out


# --- texts ------------------------------------------------------------------------------------------------------------


def _texts(look: Look) -> Iterator[Step]:
    for model in sorted(apps.get_models(), key=lambda one: one._meta.label):
        fields = sources.texts(model)
        if fields and isinstance(model._meta.pk, models.IntegerField | models.OneToOneField):
            yield _text(model, fields, look)


def _text(model: type[models.Model], fields: list[Column], look: Look) -> Step:
    rows = model._base_manager.filter(UNLESS_RUNNING.get(model._meta.label, Q()))
    own = tied(model, look.person_id) if look.reach is Reach.OWN and model._meta.label not in PEOPLE else None
    wanted = _holding(fields, look.replacement, names=names_everywhere(model, look.reach))
    if own is not None:
        wanted |= own & _holding(fields, look.replacement, names=True)

    def carry_out(keys: list[int]) -> int:
        return _replace(fields, look, rows.filter(pk__in=keys), own)

    return Step(f"text:{model._meta.label}", rows, _as_text(rows, fields).filter(wanted), carry_out)


def names_everywhere(model: type[models.Model], reach: Reach) -> bool:
    """Whether names are replaced in every row of this table."""
    if model._meta.label in PEOPLE or reach is Reach.OWN:
        return False
    return reach is Reach.EVERYWHERE or model._meta.app_label not in PLACES


def tied(model: type[models.Model], person_id: int) -> Q | None:
    """Rows that this person wrote, ordered or reported; None: there can be none."""
    columns = [one.column for one in sources.relations() if one.model is model and not one.many]
    if any(field.name == "ticket" for field in model._meta.concrete_fields):
        columns.append("ticket__requester")
    found = Q()
    for column in columns:
        found |= Q(**{column: person_id})
    return found if columns else None


def _as_text(rows: models.QuerySet[Any], fields: list[Column]) -> models.QuerySet[Any]:
    """JSON is compared as the text that it is stored as."""
    texts = {f"_{one.name}": Cast(one.name, models.TextField()) for one in fields if isinstance(one, models.JSONField)}
    found: models.QuerySet[Any] = rows.annotate(**texts)
    return found


def _holding(fields: list[Column], replacement: Replacement, *, names: bool) -> Q:
    """Rows that may hold what is looked for: few others, and none that does is left out."""
    needles, likes = replacement.needles(names=names), replacement.likes(names=names)
    found = Q()
    for one in fields:
        column = f"_{one.name}" if isinstance(one, models.JSONField) else one.name
        for needle in needles:
            found |= Q(**{f"{column}__icontains": needle})
        for like in likes:
            found |= Q(Like(F(column), Value(like)))
    return found


class Like(Func):
    """A column and a pattern with `%` for anything, in any letters; of letters beyond ASCII SQLite knows no capitals."""

    template = "(%(expressions)s)"
    arg_joiner = " LIKE "
    output_field = models.BooleanField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, arg_joiner=" ILIKE ", **context)


def _replace(fields: list[Column], look: Look, rows: models.QuerySet[Any], own: Q | None) -> int:
    """Read, reworded and written under one lock; a row that counts its versions counts this one too.

    Only columns in which something was found are written: a statement about all of them is ten times the work.
    """
    model = rows.model
    everywhere = names_everywhere(model, look.reach)
    theirs = set(rows.filter(own).values_list("pk", flat=True)) if own is not None else set()
    locked = rows.select_for_update(of=("self",)).order_by("pk")
    reworded = [(row, _reword(row, fields, look.replacement, names=everywhere or row.pk in theirs)) for row in locked]
    changed = [row for row, columns in reworded if columns]
    versioned = {one.name for one in model._meta.concrete_fields if one.name == "version"}
    for row in changed:
        for name in versioned:
            setattr(row, name, getattr(row, name) + 1)
    if changed:
        columns = versioned.union(*(columns for _row, columns in reworded))
        model._base_manager.bulk_update(changed, sorted(columns), batch_size=BATCH)
    return len(changed)


def _reword(row: models.Model, fields: list[Column], replacement: Replacement, *, names: bool) -> set[str]:
    """The columns that are another now."""
    found = set()
    for one in fields:
        before = getattr(row, one.attname)
        reworded = replacement.markup if one.name in FORMATTED else replacement.value
        after = _fitting(one, reworded(before, names=names))
        if before != after:
            setattr(row, one.attname, after)
            found.add(one.name)
    return found


def _fitting(field: Column, value: Any) -> Any:
    longest = getattr(field, "max_length", None)
    return value[:longest] if isinstance(value, str) and longest else value
