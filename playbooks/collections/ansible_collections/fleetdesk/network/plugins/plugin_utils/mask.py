"""What may be shown: values of options whose name says that they are secret, and values the caller marks, become `***`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

MASK = "***"
CHANGED = "*** (changed)"
SHORTEST = 4
"""Shorter marked values are not looked for inside other text: they would be found everywhere."""
_WORDS = "key|psk|pass|password|passwd|passphrase|pwd|secret|community|token|pin|r[01]kh"
_SECRET_NAME = re.compile(rf"(?:^|[_. -])(?:{_WORDS})[0-9]*(?:$|[_. ])", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"(://[^\s/:@'\"]{0,200}:)([^\s/'\"]{1,400})(?=@)")
"""Scheme, user and password before a host (RFC 3986 §3.2.1)."""

Pair = tuple[str, str | list[str]]
"""(path, value)"""


def is_secret(name: str) -> bool:
    """Whether an option of this name holds a secret: key, key1, wpa_psk, auth_secret, community …"""
    return bool(_SECRET_NAME.search(name))


def masked(text: str, secrets: Iterable[str]) -> str:
    """`text` without the marked values, the longest first."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST:
            text = text.replace(secret, MASK)
    return text


def diff(before: Sequence[Pair], after: Sequence[Pair], secrets: Sequence[str]) -> dict[str, str]:
    """Ansible's `diff` of two states. A secret that changes shows that it does, never what it was or will be."""
    had = dict(before)
    return {
        "before": "".join(_line(path, value, secrets) for path, value in before),
        "after": "".join(_line(path, value, secrets, changed=path in had and had[path] != value) for path, value in after),
    }


def _line(path: str, value: str | list[str], secrets: Sequence[str], *, changed: bool = False) -> str:
    text, cover = " ".join(map(repr, _texts(value))), CHANGED if changed else MASK
    text = cover if value and _hidden(path, value, secrets) else _IN_ADDRESS.sub(rf"\g<1>{cover}", text)
    return f"{masked(path, secrets)}={masked(text, secrets)}\n"


def _texts(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _hidden(path: str, value: str | list[str], secrets: Sequence[str]) -> bool:
    return is_secret(path.rpartition(".")[2]) or value in secrets or any(item in secrets for item in value if item)


def secret_values(pairs: Iterable[Pair]) -> list[str]:
    """The values of secret options and passwords within addresses, to keep them out of messages."""
    found: list[str] = []
    for path, value in pairs:
        secret = is_secret(path.rpartition(".")[2])
        found += _texts(value) if secret else [one[2] for text in _texts(value) for one in _IN_ADDRESS.finditer(text)]
    return [value for value in found if value]
