"""Placeholders of canned replies."""

import re
from collections.abc import Mapping

PLACEHOLDERS = ("number", "subject", "school", "room", "requester", "me")
_MARK = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")


def unknown(text: str) -> list[str]:
    """Placeholders that nothing stands for, in order of appearance."""
    return [name for name in dict.fromkeys(_MARK.findall(text)) if name not in PLACEHOLDERS]


def filled(text: str, values: Mapping[str, str]) -> str:
    """Each placeholder once, in one pass: what stands in the values is text, never another placeholder."""
    return _MARK.sub(lambda found: values.get(found[1], found[0]), text)
