"""Arguments of a playbook: only declared ones, each of its declared type, everything a person typed kept as text."""

import hmac
import json
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:  # the catalogue asks us whether what it reads can be a value
    from fleet.automation.catalogue.model import Argument, Playbook

LONGEST_TEXT = 4000
Sentence = str | Promise
TRUE, FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}


class ArgumentsError(ValueError):
    """`problems`: {argument name: sentence, in the language in which it is then read}."""

    def __init__(self, problems: Mapping[str, Sentence]) -> None:
        super().__init__("; ".join(f"{name}: {problem}" for name, problem in problems.items()))
        self.problems = problems


class _ValueProblemError(ValueError):
    """One value is not as declared."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def validated(playbook: "Playbook", given: Mapping[str, Any]) -> dict[str, Any]:
    """The given arguments with their declared types and defaults; raises ArgumentsError naming every wrong one."""
    declared = {argument.name: argument for argument in playbook.arguments}
    problems: dict[str, Sentence] = {
        name: _("This playbook has no such argument.") for name in given if name not in declared
    }
    values: dict[str, Any] = {}
    for name, argument in declared.items():
        value = given.get(name)
        if value is None or value == "":
            value = argument.default
        if value is None:
            if argument.required:
                problems[name] = _("This is needed.")
            continue
        try:
            values[name] = _typed(argument, value)
        except _ValueProblemError as error:
            problems[name] = error.sentence
    if problems:
        raise ArgumentsError(problems)
    return values


def takes(argument: "Argument", value: Any) -> bool:
    """Whether it can be given this value."""
    try:
        _typed(argument, value)
    except _ValueProblemError:
        return False
    return True


def takes_as_it_is(argument: "Argument", value: Any) -> bool:
    """Whether this is a value as runs get it: of the declared type already."""
    return takes(argument, value) and bool(_typed(argument, value) == value)


def _typed(argument: "Argument", value: Any) -> Any:
    typed = _CASTS[argument.type](value)
    if argument.type == "list":
        typed = [_CASTS[argument.elements](element) for element in typed]
    chosen = typed if argument.type == "list" else [typed]
    if argument.choices and any(one not in argument.choices for one in chosen):
        raise _ValueProblemError(
            format_lazy(_("It must be one of: {choices}."), choices=", ".join(map(str, argument.choices)))
        )
    return typed


def _text(value: Any) -> str:
    if not isinstance(value, str | int | float):
        raise _ValueProblemError(_("It must be text."))
    text = str(value)
    if len(text) > LONGEST_TEXT or not _storable(text):
        raise _ValueProblemError(format_lazy(_("It must be text of at most {longest} characters."), longest=LONGEST_TEXT))
    return text


def _storable(text: str) -> bool:
    """Neither NUL, which PostgreSQL does not take, nor half a character (a lone surrogate, which JSON can carry)."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _integer(value: Any) -> int:
    try:
        return int(str(value))
    except ValueError as error:
        raise _ValueProblemError(_("It must be a whole number.")) from error


def _number(value: Any) -> float:
    try:
        number = float(str(value))
    except ValueError as error:
        raise _ValueProblemError(_("It must be a number.")) from error
    if not math.isfinite(number):
        raise _ValueProblemError(_("It must be a number."))
    return number


def _boolean(value: Any) -> bool:
    word = str(value).lower()
    if word not in TRUE | FALSE:
        raise _ValueProblemError(_("It must be yes or no."))
    return word in TRUE


def _list(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [line.strip() for line in value.replace(",", "\n").splitlines() if line.strip()]
    if not isinstance(value, list | tuple):
        raise _ValueProblemError(_("It must be a list."))
    return list(value)


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _ValueProblemError(_("It must be a mapping."))
    return {_text(name): _any(item) for name, item in value.items()}


def _any(value: Any) -> Any:
    """What a mapping may hold, at any depth."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return _mapping(value)
    return [_any(item) for item in value] if isinstance(value, list) else value


_CASTS: dict[str, Callable[[Any], Any]] = {
    "str": _text,
    "path": _text,
    "raw": _text,
    "int": _integer,
    "float": _number,
    "bool": _boolean,
    "list": _list,
    "dict": _mapping,
}


def digest(
    playbook_digest: str,
    arguments: Mapping[str, Any],
    targets: Iterable[Any],
    *,
    ends_at: datetime | None = None,
    key: str,
) -> str:
    """What an approval approves: HMAC-SHA-256 (RFC 2104) over playbook, all arguments (secret ones too), targets and end.

    Keyed, because it is shown to people who know all but the secret: they must not be able to try secrets out on it.
    """
    end = ends_at.astimezone(UTC).isoformat() if ends_at else None
    content = json.dumps([playbook_digest, dict(arguments), sorted(targets), end], sort_keys=True, default=str)
    return hmac.new(key.encode(), content.encode(), "sha256").hexdigest()
