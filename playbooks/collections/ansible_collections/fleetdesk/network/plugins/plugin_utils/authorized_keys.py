"""Keys that may log in: some more, some fewer, all others untouched (sshd(8), AUTHORIZED_KEYS FILE FORMAT). Pure."""

from __future__ import annotations

from collections.abc import Iterable

PATH = "/etc/dropbear/authorized_keys"


def changed(text: str, present: Iterable[str], absent: Iterable[str]) -> str:
    """`text` with the keys in `present` and without those in `absent`.

    A key is known by its Base64 text, whatever options stand before it and whatever comment after. Raises ValueError for
    what is no public key.
    """
    gone, wanted = {_base64(key) for key in absent}, {_base64(key): key.strip() for key in present}
    if both := gone & wanted.keys():
        raise ValueError(f"{len(both)} of the keys shall both log in and be taken away")
    lines = [line for line in text.splitlines() if gone.isdisjoint(line.split())]
    known = {word for line in lines for word in line.split()}
    lines += [key for word, key in wanted.items() if word not in known]
    return "".join(f"{line}\n" for line in lines)


def _base64(key: str) -> str:
    words = key.split()
    if len(words) not in (2, 3) or not key.isprintable():
        raise ValueError("a public key is one line: its kind, its Base64 text and perhaps a comment")
    return words[1]
