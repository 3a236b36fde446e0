"""`retention.toml`, read strictly: what is kept how long, and what happens then."""

import re
import tomllib
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

from django.apps import apps
from django.conf import settings
from django.core.exceptions import FieldDoesNotExist, FieldError, ValidationError
from django.db import models
from django.utils.module_loading import import_string
from django.utils.translation import get_language
from pydantic import BaseModel, ConfigDict, Field
from pydantic import ValidationError as NotAsDeclared

from helpdesk.privacy.rules.periods import within

FILE = Path(__file__).parent / "retention.toml"


class RetentionError(Exception):
    """The file is not as it must be; the message names file and line."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Text(_Strict):
    de: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def __str__(self) -> str:
        return self.en if (get_language() or "").startswith("en") else self.de


class Kind(_Strict):
    """One kind of data. `days` is the period as delivered."""

    slug: str
    model: str = ""
    optional: bool = False
    where: dict[str, str | bool | int | list[str]] = Field(default_factory=dict)
    start: str = ""
    days: int = Field(ge=1)
    least: int = Field(1, ge=1)
    most: int = Field(36_500, ge=1)
    happens: Literal["delete", "anonymise", "elsewhere"]
    becomes: dict[str, str | int | bool] = Field(default_factory=dict)
    authority: str = ""
    kept_by: str = ""
    title: Text
    begins: Text
    goes_with: Text = Field(alias="with")
    basis: Text

    @property
    def rows(self) -> type[models.Model] | None:
        """Whose rows; None: another room sees to it, or this release has no such model."""
        try:
            return apps.get_model(self.model) if self.model else None
        except LookupError:
            return None

    @property
    def is_ours(self) -> bool:
        return self.rows is not None

    @property
    def may_be_moved(self) -> bool:
        return self.is_ours and bool(self.authority)

    def period(self) -> int:
        """Days as delivered, or as the room that sees to it has them."""
        return _elsewhere(self.kept_by) if self.kept_by else self.days


@cache
def kinds() -> dict[str, Kind]:
    """{slug: kind}, in the file's order, without those of models that this release lacks."""
    return {slug: kind for slug, kind in load(FILE).items() if kind.is_ours or kind.happens == "elsewhere"}


def load(path: Path) -> dict[str, Kind]:
    """Raises RetentionError."""
    text = path.read_text()
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RetentionError(f"{path}: {error}") from error
    return {slug: _kind(path, text, slug, said) for slug, said in tables.items()}


def _kind(path: Path, text: str, slug: str, said: Any) -> Kind:
    try:
        kind = Kind.model_validate({"slug": slug, **said})
    except (NotAsDeclared, TypeError) as error:
        problem: Any = error.errors()[0] if isinstance(error, NotAsDeclared) else {"loc": (), "msg": "must be a table"}
        words = [slug, *map(str, problem["loc"])]
        raise RetentionError(f"{path}:{_line(text, words)}: {'.'.join(words)}: {problem['msg']}") from error
    if wrong := _wrong(kind):
        raise RetentionError(f"{path}:{_line(text, [slug])}: {slug}: {wrong}")
    return kind


def _line(text: str, words: Sequence[str]) -> int:
    """Of the table, or of the key in it."""
    lines = text.splitlines()
    begin = next((number for number, line in enumerate(lines) if line.strip() == f"[{words[0]}]"), 0)
    pattern = re.compile(rf"(?<![\w-]){re.escape(words[-1])}(?![\w-])")
    return next((number for number, line in enumerate(lines[begin:], begin + 1) if pattern.search(line)), begin + 1)


def _wrong(kind: Kind) -> str:
    if not within(kind.days, kind.least, kind.most):
        return "days must lie between least and most"
    if kind.happens == "elsewhere":
        return _wrong_elsewhere(kind)
    if kind.rows is None:
        return "" if kind.optional and kind.model else f"there is no model {kind.model!r}"
    if bool(kind.becomes) != (kind.happens == "anonymise"):
        return "becomes belongs to anonymise, and anonymise needs it"
    return _wrong_columns(kind, kind.rows)


def _wrong_elsewhere(kind: Kind) -> str:
    if kind.model or kind.start or kind.where or kind.authority:
        return "what another room sees to has no rows here"
    try:
        _elsewhere(kind.kept_by)
    except (ImportError, AttributeError, TypeError):
        return f"kept_by: there is no period {kind.kept_by!r}"
    return ""


def _wrong_columns(kind: Kind, model: type[models.Model]) -> str:
    try:
        if not isinstance(_column(model, kind.start), models.DateTimeField):
            return f"start: {kind.start} is no instant"
        if kind.authority and not _column(model, kind.authority):
            return f"authority: there is no {kind.authority}"
        for name in kind.becomes:
            _column(model, name)
        model._base_manager.filter(**kind.where)
    except (FieldDoesNotExist, FieldError, ValueError, ValidationError) as error:
        return str(error)
    return ""


def _column(model: type[models.Model], path: str) -> Any:
    *way, last = path.split("__")
    for step in way:
        related = model._meta.get_field(step).related_model
        if not isinstance(related, type):
            raise FieldDoesNotExist(f"{step} leads nowhere")
        model = related
    names = {name: field for field in model._meta.concrete_fields for name in (field.name, field.attname)}
    if last not in names:
        raise FieldDoesNotExist(f"{model._meta.label} has no field {last!r}")
    return names[last]


def _elsewhere(path: str) -> int:
    name = path.removeprefix("settings.")
    found = getattr(settings, name) if name != path else import_string(path)
    if isinstance(found, timedelta):
        return found.days
    if not isinstance(found, int):
        raise TypeError(path)
    return found
