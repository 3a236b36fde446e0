"""Other people in somebody's own data: «Person 3», the same all the way through one export."""

import re
from collections.abc import Iterable
from typing import Any

MAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
WORD = re.compile(r"\w+")
HIDDEN_MAIL = "…@…"
SHORTEST = 2


class Masker:
    """Names are found word by word, so that 20,000 of them cost what 20 cost."""

    def __init__(self, own_id: int, own_mails: Iterable[str], people: Iterable[tuple[int, str]]) -> None:
        self._own_id = own_id
        self._own = {mail.casefold() for mail in own_mails}
        self._numbers: dict[int, int] = {}
        rows = [(pk, " ".join(name.split())) for pk, name in people]
        own_names = {name.casefold() for pk, name in rows if pk == own_id}
        self._by_first: dict[str, list[tuple[str, int]]] = {}
        for pk, name in sorted(rows, key=lambda row: -len(row[1])):
            if pk != own_id and len(name) >= SHORTEST and name.casefold() not in own_names:
                for form in {name, name.upper()}:  # capitals of ß are longer
                    self._by_first.setdefault(_first(form), []).append((form, pk))

    def person(self, pk: int | None) -> str | None:
        """What stands for this person; their own id stays theirs."""
        if pk is None:
            return None
        if pk == self._own_id:
            return "self"
        return f"Person {self._numbers.setdefault(pk, len(self._numbers) + 1)}"

    def text(self, text: str) -> str:
        return self._names(MAIL.sub(self._mail, text))

    def value(self, value: Any) -> Any:
        """Text in lists and objects too; everything else as it is."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self.value(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(one) for one in value]
        return value

    def _mail(self, match: re.Match[str]) -> str:
        return match[0] if match[0].casefold() in self._own else HIDDEN_MAIL

    def _names(self, text: str) -> str:
        parts, at = [], 0
        for word in WORD.finditer(text):
            found = self._found(text, word) if word.start() >= at else None
            if found is not None:
                name, pk = found
                parts += [text[at : word.start()], str(self.person(pk))]
                at = word.start() + len(name)
        return "".join(parts) + text[at:]

    def _found(self, text: str, word: re.Match[str]) -> tuple[str, int] | None:
        for name, pk in self._by_first.get(word[0].casefold(), ()):
            end = word.start() + len(name)
            if text[word.start() : end].casefold() == name.casefold() and not text[end : end + 1].isalnum():
                return name, pk
        return None


def _first(name: str) -> str:
    word = WORD.search(name)
    return word[0].casefold() if word else name.casefold()
