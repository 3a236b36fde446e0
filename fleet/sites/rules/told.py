"""What a file says, taken apart, whatever it was written in; and how it differs from what held before."""

import codecs
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any, TypeVar

from fleet.web.instants import AHEAD, EARLIEST

MOST_BYTES = 1_000_000
MOST_ENTRIES = 2_000
MOST_DAYS = 366
LONGEST_NAME = 200
LONGEST_UID = 255
MOST_NAMED = 20
"""So many mistakes of a file are named: who has made more begins anew anyway."""
Item = TypeVar("Item")
Made = TypeVar("Made")


class Problem(StrEnum):
    """Why a file is refused as a whole: half a calendar would be worse than the one before."""

    TOO_LARGE = "too-large"
    NOT_TEXT = "not-text"
    NOT_A_CALENDAR = "not-a-calendar"
    CUT_OFF = "cut-off"
    BROKEN_LINE = "broken-line"
    BROKEN_VALUE = "broken-value"
    NO_BEGIN = "no-begin"
    ENDS_BEFORE_IT_BEGINS = "ends-before-it-begins"
    TOO_LONG = "too-long"
    TOO_FAR = "too-far"
    TOO_MANY = "too-many"
    TOO_MANY_RULES = "too-many-rules"
    RULE_TOO_FAST = "rule-too-fast"
    NO_COLUMN = "no-column"
    OVERLAPPING = "overlapping"
    NO_BELLS = "no-bells"


class FileError(ValueError):
    """`line` counts from 1; `detail` is a piece of the file (a summary, a value), to be shown as text.

    `further`: what else is wrong with it, in the order of the file.
    """

    further: tuple["FileError", ...] = ()

    def __init__(self, problem: Problem, line: int | None = None, detail: str = "") -> None:
        super().__init__(f"{problem} in line {line}: {detail}")
        self.problem = problem
        self.line = line
        self.detail = detail[:LONGEST_NAME]


def each(items: Iterable[Item], act: Callable[[Item], Made]) -> list[Made]:
    """What `act` makes of each. Raises the first FileError after all were tried, with those that follow it."""
    made: list[Made] = []
    mistakes: list[FileError] = []
    for item in items:
        try:
            made.append(act(item))
        except FileError as error:
            mistakes += [error, *error.further]
        if len(mistakes) >= MOST_NAMED:
            break
    if mistakes:
        mistakes[0].further = tuple(mistakes[1:MOST_NAMED])
        raise mistakes[0]
    return made


@dataclass(frozen=True, slots=True)
class Told:
    """One entry: from `date` to `date` (included), `datetime` to `datetime`, or `time` to `time`, as the content is.

    `uid` is the same when the file comes again.
    """

    uid: str
    name: str
    begins: Any
    ends: Any

    def as_json(self) -> dict[str, str]:
        return {"uid": self.uid, "name": self.name, "begins": self.begins.isoformat(), "ends": self.ends.isoformat()}


PARSERS: Mapping[str, Any] = {
    "holidays": date.fromisoformat,
    "closures": date.fromisoformat,
    "exams": datetime.fromisoformat,
    "bells": time.fromisoformat,
}


def from_json(content: str, rows: Iterable[Mapping[str, str]]) -> list[Told]:
    """What `as_json` has written."""
    when = PARSERS[content]
    return [Told(row["uid"], row["name"], when(row["begins"]), when(row["ends"])) for row in rows]


@dataclass(frozen=True, slots=True)
class Difference:
    """`changed` pairs what was with what will be."""

    added: tuple[Told, ...]
    removed: tuple[Told, ...]
    changed: tuple[tuple[Told, Told], ...]
    kept: int

    @property
    def nothing(self) -> bool:
        return not (self.added or self.removed or self.changed)


def difference(before: Iterable[Told], after: Iterable[Told]) -> Difference:
    old, new = {one.uid: one for one in before}, {one.uid: one for one in after}
    both = [(old[uid], new[uid]) for uid in new if uid in old]
    changed = tuple((was, will) for was, will in both if was != will)
    return Difference(
        added=tuple(one for uid, one in new.items() if uid not in old),
        removed=tuple(one for uid, one in old.items() if uid not in new),
        changed=changed,
        kept=len(both) - len(changed),
    )


def decoded(data: bytes) -> str:
    """Text of an uploaded file; UTF-8, or what older Windows programs write. Raises FileError."""
    if len(data) > MOST_BYTES:
        raise FileError(Problem.TOO_LARGE)
    text = as_text(data)
    if "\0" in text:
        raise FileError(Problem.NOT_TEXT)
    return text


def as_text(data: bytes) -> str:
    """What cannot be read becomes U+FFFD.

    UTF-16 is what Excel's "Unicode text" is; without a mark at its beginning it shows by its second byte.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    if data[1:2] == b"\0":
        return data.decode("utf-16-le", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def checked(one: Told, line: int | None) -> Told:
    """Raises FileError for a span that ends before it begins, or takes longer than a year."""
    if one.ends < one.begins:
        raise FileError(Problem.ENDS_BEFORE_IT_BEGINS, line, one.name)
    if isinstance(one.begins, date) and isinstance(one.ends, date) and (one.ends - one.begins).days > MOST_DAYS:
        raise FileError(Problem.TOO_LONG, line, one.name)
    return one


def is_near(when: date, today: date) -> bool:
    """Whether forms would take this day or instant too."""
    day = when.date() if isinstance(when, datetime) else when
    return EARLIEST.date() <= day <= today + AHEAD


def near(one: Told, line: int | None, today: date) -> Told:
    """Raises FileError for what begins or ends too far away."""
    if not (is_near(one.begins, today) and is_near(one.ends, today)):
        raise FileError(Problem.TOO_FAR, line, one.name)
    return one


def each_once(entries: Iterable[Told]) -> list[Told]:
    """The same uid twice becomes two."""
    seen: dict[str, int] = {}
    found = []
    for one in entries:
        seen[one.uid] = seen.get(one.uid, 0) + 1
        number = seen[one.uid]
        found.append(one if number == 1 else Told(f"{one.uid}#{number}"[-LONGEST_UID:], one.name, one.begins, one.ends))
    return found
