"""What takes the place of a person's name and address, and where it does."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

SHORTEST_MARK = 4


class Reach(StrEnum):
    """How far a name is looked for. The mail address, which is nobody else's, is looked for everywhere."""

    EVERYWHERE = "everywhere"
    TEXTS = "texts"
    """A name of one word may be a word of its own: it stays in the names of places and devices."""
    OWN = "own"
    """Somebody else has the same name: only in what this person wrote and ordered."""


def reach(name: str, *, has_namesake: bool) -> Reach:
    if has_namesake:
        return Reach.OWN
    return Reach.EVERYWHERE if len(name.split()) > 1 else Reach.TEXTS


def pseudonym(mark: str, length: int = SHORTEST_MARK) -> str:
    """`mark`: hexadecimal digits that follow from the person and a secret, so that the same person always gives the same."""
    return f"Ehemalige Person {mark[:length]}"


def address(mark: str, length: int = SHORTEST_MARK) -> str:
    """RFC 2606, section 2: `.invalid` is nobody's."""
    return f"ehemalig-{mark[:length]}@erased.invalid"


@dataclass(frozen=True)
class Replacement:
    name: str
    mails: Sequence[str]
    pseudonym: str
    address: str

    @cached_property
    def _mail(self) -> re.Pattern[str]:
        known = "|".join(re.escape(mail) for mail in sorted(self.mails, key=len, reverse=True))
        return re.compile(rf"(?<![\w.+-])(?:{known})(?![\w-]|\.\w)", re.IGNORECASE)

    @cached_property
    def _name(self) -> re.Pattern[str]:
        """In any letters, capitals of ß too; a name of one word only as it is written."""
        if len(self.name.split()) < 2:  # noqa: PLR2004
            return re.compile(_bounded(self.name.split()))
        return re.compile(f"{_bounded(self.name.split())}|{_bounded(self.name.upper().split())}", re.IGNORECASE)

    def text(self, text: str, *, names: bool = True) -> str:
        without = self._mail.sub(self.address, text) if self.mails else text
        return self._name.sub(self.pseudonym, without) if names else without

    def value(self, value: Any, *, names: bool = True) -> Any:
        if isinstance(value, str):
            return self.text(value, names=names)
        if isinstance(value, dict):
            return {self.text(str(key), names=names): self.value(one, names=names) for key, one in value.items()}
        if isinstance(value, list):
            return [self.value(one, names=names) for one in value]
        return value

    def needles(self, *, names: bool = True) -> list[str]:
        """What a row may hold, in the spellings in which a database compares it: JSON may be stored with escapes."""
        wanted = [*self.mails, *([self.name] if names and self.name else [])]
        spelled = {form for one in wanted for form in (one, one.lower(), one.upper())}
        return sorted(spelled | {json.dumps(one)[1:-1] for one in spelled})


def _bounded(words: Sequence[str]) -> str:
    """The whole name and nothing longer; no words: what never matches."""
    name = r"\s+".join(re.escape(word) for word in words)
    return rf"(?<!\w){name}(?!\w)" if words else "(?!)"
