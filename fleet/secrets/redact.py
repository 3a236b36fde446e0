"""Takes known secrets out of text and of structured data before either is stored, logged or shown."""

import base64
import html
import json
import re
import urllib.parse
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import yaml

from fleet.secrets.types import MASK, Secret

SHORTEST = 4
"""Shorter values would turn ordinary words into masks."""

SHORTEST_CODED = 6
"""Bytes. Of shorter ones the digits of Base64 would be too few to be sure."""

SHORTEST_FOLDED = 8
"""Characters. Shorter ones could come about by chance where words meet."""

_FOLD = re.compile(r"(?<!\\)\\++(?:[nrt]|\s+)|\s+")
"""What programs put in to wrap lines: blanks and line ends, also as JSON, YAML and shells escape them."""
_SPECIAL = re.compile(r"""[\s'"\\|&;()<>!{}*\[\]?^$`,]|^[#~]""")
"""Before these `printf %q` puts a backslash."""
_LIVE = re.compile(r'[\\"$`]')
"""What double quotes of a shell leave its meaning (POSIX XCU §2.2.3)."""
_WIDE = 1_000_000
"""Columns: wider than any value, so that YAML folds nothing."""

Span = tuple[int, int]
"""(first, behind the last)"""


class Redactor:
    """Masks each of `secrets` wherever it stands: as it is, and as JSON, YAML, URLs, shells, HTML and Python write it.

    Longer ones are found also where a program wraps lines within them, as `base64` and YAML do.
    """

    def __init__(self, secrets: Iterable[Secret | str]) -> None:
        clear = {secret.reveal() if isinstance(secret, Secret) else secret for secret in secrets}
        forms = {form for value in clear if len(value) >= SHORTEST for form in _spellings(value)}
        unfolded = {_FOLD.sub("", form) for form in forms}
        self._pattern = _any_of(forms)
        self._unfolded = _any_of(form for form in unfolded if len(form) >= SHORTEST_FOLDED)

    def text(self, text: str) -> str:
        masked = self._pattern.sub(MASK, text) if self._pattern else text
        found = [one.span() for one in self._unfolded.finditer(_FOLD.sub("", masked))] if self._unfolded else []
        return _without(masked, _with_folds(found, masked)) if found else masked

    def data(self, value: Any) -> Any:
        """The same JSON-like structure (dict, list, str, number, bool, None) with every text masked."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self.data(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.data(item) for item in value]
        return value


def _any_of(forms: Iterable[str]) -> re.Pattern[str] | None:
    """Any of them, the longest first; ordered by their first characters, so that few are tried at each place."""
    ends: dict[str, list[str]] = defaultdict(list)
    for form in sorted(forms, key=len, reverse=True):
        ends[form[0]].append(re.escape(form[1:]))
    return re.compile("|".join(f"{re.escape(first)}(?:{'|'.join(ends[first])})" for first in ends)) if ends else None


def _with_folds(found: list[Span], text: str) -> list[Span]:
    """Where in `text` stands what was found in it without its folds."""
    stretches, start, left_out = [], 0, 0
    for fold in _FOLD.finditer(text):
        stretches.append((start - left_out, left_out))
        start, left_out = fold.end(), left_out + fold.end() - fold.start()
    stretches.append((start - left_out, left_out))
    return [(_shifted(first, stretches), _shifted(end - 1, stretches) + 1) for first, end in found]


def _shifted(place: int, stretches: list[Span]) -> int:
    """`stretches`: (first place without folds, how much was left out before it), in their order."""
    return place + stretches[bisect_right(stretches, place, key=lambda one: one[0]) - 1][1]


def _without(text: str, spans: list[Span]) -> str:
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    return MASK.join(text[start:end] for start, end in list(pairwise(edges))[::2])


def _spellings(value: str) -> set[str]:
    """The value and each line of a key, as programs write them, also inside JSON, and as digits."""
    lines = {line.strip() for line in value.splitlines() if len(line.strip()) >= 2 * SHORTEST}
    quoted = {value, repr(value)[1:-1], repr(value.encode())[2:-1], *_in_json(value), *_in_yaml(value), *_in_shells(value)}
    nested = {inner for text in quoted for inner in _in_json(text)}
    in_urls = {urllib.parse.quote(value), urllib.parse.quote(value, safe=""), urllib.parse.quote_plus(value)}
    lower = {re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text) for text in in_urls}
    in_pages = {html.escape(value), html.escape(value, quote=False)}
    digits = {form for text in quoted for form in _in_digits(text.encode())}
    return lines | quoted | nested | in_urls | lower | in_pages | digits


def _in_json(value: str) -> set[str]:
    return {json.dumps(value, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}


def _in_yaml(value: str) -> set[str]:
    """In double quotes with escapes, and in single ones, where each `'` stands twice (YAML 1.1 §9.1)."""
    dumped = (yaml.safe_dump(value, default_style='"', allow_unicode=wide, width=_WIDE) for wide in (True, False))
    return {text.strip()[1:-1] for text in dumped} | {value.replace("'", "''")}


def _in_shells(value: str) -> set[str]:
    """In single quotes, in double quotes, and as `printf %q` writes it, with bytes in octal digits in a plain locale."""
    escaped = re.sub(r"['\\]", r"\\\g<0>", value)
    octal = "".join(one if one.isascii() else "".join(map("\\{:03o}".format, one.encode())) for one in escaped)
    single = {value.replace("'", "'\\''"), value.replace("'", "'\"'\"'"), octal}
    return single | {before.sub(r"\\\g<0>", value) for before in (_LIVE, _SPECIAL)}


def _in_digits(raw: bytes) -> set[str]:
    """In hexadecimal digits, and as Base64 (RFC 4648 §4, §5) writes it, whatever stands before and behind it.

    After one or two other bytes, or before some, less the digits shared with those.
    """
    if len(raw) < SHORTEST_CODED:
        return set()
    found = {raw.hex(), raw.hex().upper()}
    for before in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            digits = encode(b"\0" * before + raw).decode().rstrip("=")
            shared = (before + len(raw)) % 3 != 0  # the last digit holds bits of what follows
            found.add(digits[(0, 2, 3)[before] : len(digits) - shared])
    return found
