"""Whom a text calls by name: "@Franka", "@Franka Muster"."""

import re
from collections import Counter
from collections.abc import Mapping


def mentioned(text: str, names: Mapping[int, str]) -> frozenset[int]:
    """`names`: {id: full name}. A first name alone calls whoever is the only one with it; case does not matter."""
    known = {pk: " ".join(name.lower().split()) for pk, name in names.items() if name.strip()}
    first_names = Counter(name.split()[0] for name in known.values())
    said = " ".join(text.lower().split())
    return frozenset(pk for pk, name in known.items() if _calls(said, name, alone=first_names[name.split()[0]] == 1))


def _calls(said: str, name: str, *, alone: bool) -> bool:
    wanted = [name, name.split(maxsplit=1)[0]] if alone else [name]
    return any(re.search(rf"(?<![\w@.])@{re.escape(one)}(?!\w)", said) for one in wanted)
