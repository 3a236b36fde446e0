"""Takes known secrets out of text and of structured data before either is stored, logged or shown."""

import html
import json
import re
import urllib.parse
from collections.abc import Iterable
from typing import Any

from fleet.secrets.types import MASK, Secret

SHORTEST = 4
"""Shorter values would turn ordinary words into masks."""


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
    return {value, repr(value)[1:-1]} | as_json | nested | in_urls | in_shells | in_pages | lines
