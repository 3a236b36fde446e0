"""What can be ordered: one TOML in `requests/` each, read strictly."""

import logging
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fleet.automation.catalogue import CatalogueError, Playbook, Text
from fleet.automation.catalogue import get as get_playbook
from fleet.people.rules import Role
from fleet.web.templatetags.pieces import icon

FOLDER = Path(__file__).parent / "requests"
Targets = Literal["room", "room-access-points", "device", "device-uplink-switch"]
GIVEN_BY_TARGET = {"device-uplink-switch": {"port"}}
"""Arguments that follow from the chosen device."""
PLACES = {"room", "device"}
log = logging.getLogger(__name__)
PLACEHOLDER = re.compile(r"\{(\w+)\}")


class OfferError(Exception):
    """A request's file is not as it must be; the message names file and line."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Text(_Strict):
    de: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def in_language(self, language: str | None) -> str:
        return Text(self.de, self.en).in_language(language)


class Ask(_Strict):
    """A playbook's argument that the form asks for."""

    argument: str
    default: str = ""
    generate: bool = False
    """Left empty, a key is made up and shown once."""
    min_length: int = Field(0, ge=0)
    max_length: int = Field(2000, ge=1)


class Offer(_Strict):
    slug: str
    title: _Text
    summary: _Text
    subject: _Text
    done: _Text | None = None
    """What the ticket says when it is measured: "{ssid} is on the air in {room}."; {argument}, {room}, {device}."""
    undone: _Text | None = None
    """The same when its time is over and it was taken back."""
    icon: str
    playbook: str = ""
    """Empty: an order that people fulfil, a plain ticket with the same form."""
    targets: Targets
    time_box: bool
    roles: list[Role] = Field(min_length=1)
    fixed: dict[str, str | int | bool] = Field(default_factory=dict)
    ask: list[Ask] = Field(default_factory=list)


class _Source:
    """A file and where in it a word stands, for errors that lead to the line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text()

    def refuse(self, word: str, problem: str) -> NoReturn:
        raise OfferError(f"{self.path}:{self._line(word)}: {problem}")

    def _line(self, word: str) -> int:
        pattern = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")
        return next((number for number, line in enumerate(self.text.splitlines(), 1) if pattern.search(line)), 1)


def load(path: Path) -> Offer:
    """Raises OfferError, also for arguments that the playbook lacks or that nobody fills."""
    source = _Source(path)
    try:
        offer = Offer.model_validate({"slug": path.stem, **tomllib.loads(source.text)})
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise OfferError(f"{path}:{line.group(1) if line else 1}: {error}") from error
    except ValidationError as error:
        problem = min(
            error.errors(), key=lambda one: one["type"] != "extra_forbidden"
        )  # a misspelt key explains a missing one
        words = [str(part) for part in problem["loc"] if isinstance(part, str)]
        source.refuse(words[-1] if words else path.stem, f"{'.'.join(words)}: {problem['msg']}")
    _check(source, offer)
    return offer


def _check(source: _Source, offer: Offer) -> None:
    try:
        icon(offer.icon)
    except Exception:
        source.refuse("icon", f"there is no icon {offer.icon}")
    if offer.playbook:
        _agree(source, offer)
    elif offer.ask or offer.fixed or offer.time_box:
        source.refuse("ask" if offer.ask else "fixed" if offer.fixed else "time_box", "this needs a playbook")


def _agree(source: _Source, offer: Offer) -> None:
    """The file fits its playbook: every argument is declared, filled once, allowed; every placeholder has a value."""
    try:
        playbook = get_playbook(offer.playbook)
    except CatalogueError as error:
        source.refuse("playbook", str(error))
    declared = {argument.name: argument for argument in playbook.arguments}
    asked = [ask.argument for ask in offer.ask]
    for name in [*asked, *offer.fixed]:
        if name not in declared:
            source.refuse(name, f"the playbook {playbook.slug} has no argument {name}")
        if [*asked, *offer.fixed].count(name) > 1:
            source.refuse(name, f"{name} is filled twice")
    for name, value in offer.fixed.items():
        if declared[name].choices and value not in declared[name].choices:
            source.refuse(name, f"{name} must be one of {', '.join(map(str, declared[name].choices))}")
    filled = {*asked, *offer.fixed, *GIVEN_BY_TARGET.get(offer.targets, ())}
    for name in sorted(name for name, one in declared.items() if one.required and name not in filled):
        source.refuse("playbook", f"nobody fills the playbook's argument {name}")
    if offer.time_box and playbook.rollback is None:
        source.refuse("time_box", f"the playbook {playbook.slug} cannot be taken back")
    _placeholders(source, offer, (filled - playbook.secret_names) | PLACES)


def _placeholders(source: _Source, offer: Offer, known: set[str]) -> None:
    for name, text in (("done", offer.done), ("undone", offer.undone)):
        used = PLACEHOLDER.findall(f"{text.de} {text.en}") if text else []
        if unknown := sorted(set(used) - known):
            source.refuse(name, f"{{{unknown[0]}}} has no value that may be shown")


def fill(text: str, values: Mapping[str, Any]) -> str:
    """Placeholders replaced once, as text: a value that looks like a placeholder stays what it is."""
    return PLACEHOLDER.sub(lambda found: str(values.get(found.group(1), "–")), text)


@cache
def all_offers() -> tuple[Offer, ...]:
    """What can be ordered. A file that is wrong is left out and said in the log; `manage.py check` refuses it."""
    return tuple(offer for path in sorted(FOLDER.glob("*.toml")) if (offer := _loaded(path)))


def _loaded(path: Path) -> Offer | None:
    try:
        return load(path)
    except OfferError:
        log.exception("a request's file cannot be used", extra={"file": path.name})
        return None


def get(slug: str) -> Offer | None:
    return next((offer for offer in all_offers() if offer.slug == slug), None)


def playbook_of(offer: Offer) -> Playbook | None:
    return get_playbook(offer.playbook) if offer.playbook else None
