"""Takes known secrets out of text and of structured data before either is stored, logged or shown."""

import base64
import html
import json
import re
import urllib.parse
from collections.abc import Iterable
from typing import Any

from fleet.secrets.types import MASK, Secret

SHORTEST = 4
"""Shorter values would turn ordinary words into masks."""

SHORTEST_CODED = 6
"""Bytes. Of shorter ones the digits of Base64 would be too few to be sure."""


class Redactor:
    """Masks each of `secrets` wherever it stands: as it is, and as JSON, URLs, shells, HTML and Python write it."""

    def __init__(self, secrets: Iterable[Secret | str]) -> None:
        clear = {secret.reveal() if isinstance(secret, Secret) else secret for secret in secrets}
        forms = {form for value in clear if len(value) >= SHORTEST for form in _spellings(value)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def text(self, text: str) -> str:
        return self._pattern.sub(MASK, text) if self._pattern else text

    def data(self, value: Any) -> Any:
        """The same JSON-like structure (dict, list, str, number, bool, None) with every text masked."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self.data(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.data(item) for item in value]
        return value


def _spellings(value: str) -> set[str]:
    """The value as JSON (once, and inside JSON again), URLs, shells, HTML and Python write it, and each line of a key."""
    lines = {line.strip() for line in value.splitlines() if len(line.strip()) >= 2 * SHORTEST}
    as_json = {json.dumps(value, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    nested = {json.dumps(text, ensure_ascii=ascii_only)[1:-1] for text in as_json for ascii_only in (True, False)}
    in_urls = {urllib.parse.quote(value), urllib.parse.quote(value, safe=""), urllib.parse.quote_plus(value)}
    in_shells = {value.replace("'", "'\\''"), value.replace("'", "'\"'\"'")}
    in_pages = {html.escape(value), html.escape(value, quote=False)}
    raw = value.encode()
    in_hex = {raw.hex(), raw.hex().upper()} if len(raw) >= SHORTEST_CODED else set()
    lower = {re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text) for text in in_urls}
    plain = {value, repr(value)[1:-1]} | lines
    return plain | as_json | nested | in_urls | lower | in_shells | in_pages | in_hex | _in_base64(raw)


def _in_base64(raw: bytes) -> set[str]:
    """As Base64 (RFC 4648 §4, §5) writes it alone, and after one or two other bytes less the digits shared with those."""
    if len(raw) < SHORTEST_CODED:
        return set()
    found = set()
    for before in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            digits = encode(b"\0" * before + raw).decode().rstrip("=")
            shared = (before + len(raw)) % 3 != 0  # the last digit holds bits of what follows
            found.add(digits[(0, 2, 3)[before] : len(digits) - shared])
    return found
