"""What can be ordered: one TOML in `requests/` each, read strictly."""

import itertools
import logging
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, NoReturn

from pydantic import Field, ValidationError

from fleet.automation.catalogue import CatalogueError, Playbook
from fleet.automation.catalogue import get as get_playbook
from fleet.people.rules import Role
from fleet.web.templatetags.pieces import icon
from helpdesk.catalogue.questions import Question, Strict, Words, questions_problem

FOLDER = Path(__file__).parent / "requests"
Targets = Literal["site", "site-access-points", "room", "room-access-points", "device", "device-uplink-switch"]
GIVEN_BY_TARGET = {"device-uplink-switch": {"port"}}
"""Arguments that follow from the chosen device."""
ANYTHING = "other"
"""What fits no other request; it stands last."""
PLACES = {"room", "device"}
log = logging.getLogger(__name__)
PLACEHOLDER = re.compile(r"\{(\w+)\}")


class OfferError(Exception):
    """A request's file is not as it must be; the message names file and line."""


class Ask(Strict):
    """A playbook's argument that the form asks for."""

    argument: str
    default: str = ""
    generate: bool = False
    """Left empty, a key is made up and shown once."""
    min_length: int = Field(0, ge=0)
    max_length: int = Field(2000, ge=1)
    label: Words | None = None
    """How it is called while the playbook is not there; with one, the playbook says so itself."""


class Offer(Strict):
    slug: str
    title: Words
    summary: Words
    subject: Words
    done: Words | None = None
    """What the ticket says when it is measured: "{ssid} is on the air in {room}."; {argument}, {room}, {device}."""
    undone: Words | None = None
    """The same when its time is over and it was taken back."""
    icon: str
    playbook: str = ""
    """Empty: an order that people fulfil, a plain ticket with the same form."""
    else_plain: bool = False
    """Without its playbook (it comes from a source that is not there) it is a plain ticket rather than an error."""
    targets: Targets
    time_box: bool
    roles: list[Role] = Field(min_length=1)
    fixed: dict[str, str | int | bool] = Field(default_factory=dict)
    ask: list[Ask] = Field(default_factory=list)
    field: list[Question] = Field(default_factory=list)
    """What people who fulfil it have to know."""
    approvers: list[Role] = Field(default_factory=list)
    """Who has to agree first to what people fulfil; of what a playbook fulfils, policy says so."""
    school_days: int = Field(0, ge=0, le=60)
    """How long people usually take; a playbook says so itself."""
    restricted: bool = False
    """What is said here is for the security role alone."""

    def question(self, name: str) -> Question | None:
        return next((one for one in self.field if one.name == name), None)


class _Source:
    """A file and where in it a word stands, for errors that lead to the line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text()

    def refuse(self, word: str, problem: str, *, table: tuple[str, int] | None = None) -> NoReturn:
        """`table`: name and number (from 0) of the `[[table]]` in which the word stands."""
        raise OfferError(f"{self.path}:{self._line(word, self._begin(table))}: {problem}")

    def known(self, words: list[str], table: tuple[str, int] | None) -> str:
        """The last of the words that stands there; of a missing one that is what it is missing in."""
        text = "\n".join(self.text.splitlines()[self._begin(table) - 1 :])
        return next((word for word in reversed(words) if self._pattern(word).search(text)), self.path.stem)

    def _begin(self, table: tuple[str, int] | None) -> int:
        if table is None:
            return 1
        heads = [number for number, line in enumerate(self.text.splitlines(), 1) if line.strip() == f"[[{table[0]}]]"]
        return heads[table[1]] if table[1] < len(heads) else 1

    def _line(self, word: str, begin: int) -> int:
        pattern, lines = self._pattern(word), enumerate(self.text.splitlines()[begin - 1 :], begin)
        return next((number for number, line in lines if pattern.search(line)), begin)

    @staticmethod
    def _pattern(word: str) -> re.Pattern[str]:
        return re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")


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
        tables = [(str(one), two) for one, two in itertools.pairwise(problem["loc"]) if isinstance(two, int)]
        table = tables[0] if tables else None
        source.refuse(source.known(words, table), f"{'.'.join(words)}: {problem['msg']}", table=table)
    _check(source, offer)
    return plain(offer) if offer.else_plain and not _there(offer.playbook) else offer


def _there(slug: str) -> bool:
    try:
        get_playbook(slug)
    except CatalogueError:
        return False
    return True


def plain(offer: Offer) -> Offer:
    """The same order for people to fulfil: what the playbook would be given is asked as text, but for made-up keys."""
    asked = [_asked(ask) for ask in offer.ask if not ask.generate]
    return offer.model_copy(update={"playbook": "", "fixed": {}, "ask": [], "field": [*asked, *offer.field]})


def _asked(ask: Ask) -> Question:
    label = ask.label or Words(de=ask.argument, en=ask.argument)
    return Question(name=ask.argument, type="text", label=label, max=min(ask.max_length, 500))


def _check(source: _Source, offer: Offer) -> None:
    try:
        icon(offer.icon)
    except Exception:
        source.refuse("icon", f"there is no icon {offer.icon}")
    if problem := questions_problem(offer.field, {ask.argument for ask in offer.ask}):
        source.refuse(*problem)
    if offer.else_plain:
        _replaceable(source, offer)
    if offer.playbook:
        _fulfilled_by_playbook(source, offer)
    elif offer.ask or offer.fixed or offer.time_box:
        source.refuse("ask" if offer.ask else "fixed" if offer.fixed else "time_box", "this needs a playbook")


def _replaceable(source: _Source, offer: Offer) -> None:
    if not offer.playbook or offer.time_box:
        source.refuse("else_plain", "only what a playbook fulfils once and for good can be fulfilled without it")
    if nameless := [ask.argument for ask in offer.ask if not ask.label and not ask.generate]:
        source.refuse(nameless[0], f"{nameless[0]} needs a label, for when the playbook is not there")


def _fulfilled_by_playbook(source: _Source, offer: Offer) -> None:
    for name in ("approvers", "school_days", "restricted"):
        if getattr(offer, name):
            source.refuse(name, "only for orders that people fulfil")
    if not offer.else_plain or _there(offer.playbook):
        _agree(source, offer)


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
    if offer.time_box and not playbook.undoes_itself:
        source.refuse("time_box", f"the playbook {playbook.slug} has no end ({playbook.why_no_end})")
    _placeholders(source, offer, (filled - playbook.secret_names) | PLACES | {one.name for one in offer.field})


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
