"""What takes the place of a person's name and address, and where it does."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from helpdesk.privacy.rules import spellings

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
    called: str = ""
    """What calls this person and nobody else as `@…`; "": nothing does."""

    @cached_property
    def _mail(self) -> re.Pattern[str]:
        known = "|".join(re.escape(mail) for mail in sorted(self.mails, key=len, reverse=True))
        return re.compile(rf"(?<![\w.+-])(?:{known})(?![\w-]|\.\w)", re.IGNORECASE)

    @cached_property
    def _name(self) -> re.Pattern[str]:
        """In any letters, capitals of ß too; a name of one word only as it is written."""
        if len(self.name.split()) < 2:  # noqa: PLR2004
            return re.compile(spellings.whole(self.name, any_case=False))
        return re.compile(spellings.whole(self.name, any_case=True), re.IGNORECASE)

    @cached_property
    def _call(self) -> re.Pattern[str]:
        """As helpdesk.tickets.rules.mentions hears it."""
        name = spellings.whole(self.called, any_case=True)
        return re.compile(rf"(?<![\w@.])@{name}", re.IGNORECASE)

    def text(self, text: str, *, names: bool = True) -> str:
        without = self._mail.sub(self.address, text) if self.mails else text
        if not names:
            return without
        named = self._name.sub(self.pseudonym, without)
        return self._call.sub(f"@{self.pseudonym}", named) if self.called and "@" in named else named

    def markup(self, html: str, *, names: bool = True) -> str:
        """Formatted text; "" where it holds the name so that only a reader finds it (entities, tags between the words)."""
        after = self.text(html, names=names)
        hidden = any(self.text(one, names=names) != one for one in spellings.readings(after))
        return "" if hidden else after

    def value(self, value: Any, *, names: bool = True) -> Any:
        if isinstance(value, str):
            return self.text(value, names=names)
        if isinstance(value, dict):
            return {self.text(str(key), names=names): self.value(one, names=names) for key, one in value.items()}
        if isinstance(value, list):
            return [self.value(one, names=names) for one in value]
        return value

    def needles(self, *, names: bool = True) -> list[str]:
        """One of them a row may hold that has to be reworded, or one of `likes`; what it does hold `text` decides."""
        spelled = spellings.stored(form for one in self.mails for form in (one, one.lower(), one.upper()))
        looked_for = [one for one in self._names if spellings.like(one) is None] if names else []
        return sorted(spelled.union(*(spellings.needles(one) for one in looked_for)))

    def likes(self, *, names: bool = True) -> list[str]:
        """Patterns of LIKE."""
        found = [*self.mails, *(self._names if names else []), *(spellings.turned(self.name) if names else [])]
        return sorted({like for one in found if (like := spellings.like(one))})

    @property
    def _names(self) -> list[str]:
        return [one for one in (self.name, self.called) if one]
