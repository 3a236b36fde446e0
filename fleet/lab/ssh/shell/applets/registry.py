"""The table of commands, and how a command reads its options."""

from __future__ import annotations

from collections.abc import Callable

from fleet.lab.ssh.shell.call import Applet, Call
from fleet.lab.ssh.shell.files import FileError

APPLETS: dict[str, Applet] = {}


class UsageError(FileError):
    """A command was called wrongly; printed as ``name: text``, status 1."""


def applet(*names: str) -> Callable[[Applet], Applet]:
    """Register a function under the names of a command."""

    def register(function: Applet) -> Applet:
        APPLETS.update(dict.fromkeys(names, function))
        return function

    return register


def options(args: list[str], flags: str, valued: str = "") -> tuple[dict[str, str], list[str]]:
    """Read ``-abc -d value rest…`` (POSIX.1-2024, 12.2). Raises UsageError for an unknown letter."""
    found: dict[str, str] = {}
    rest = list(args)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        _cluster(word[1:], rest, flags, valued, found)
    return found, rest


def _cluster(letters: str, rest: list[str], flags: str, valued: str, found: dict[str, str]) -> None:
    while letters:
        letter, letters = letters[0], letters[1:]
        if letter in valued:
            if not letters and not rest:
                raise UsageError(f"option requires an argument -- '{letter}'")
            found[letter] = letters or rest.pop(0)
            return
        if letter not in flags:
            raise UsageError(f"unrecognized option: {letter}")
        found[letter] = ""


def number(text: str) -> int:
    """A decimal number of at most 18 digits. Raises UsageError."""
    if not text.lstrip("+-").isdecimal() or len(text) > 18:  # noqa: PLR2004 - fits in 64 bits
        raise UsageError(f"invalid number '{text}'")
    return int(text)


async def inputs(call: Call, names: list[str]) -> list[tuple[str, str]]:
    """``(name, text)`` of each file, ``-`` or none meaning standard input; a missing file is told and left out."""
    found: list[tuple[str, str]] = []
    for name in names or ["-"]:
        try:
            found.append((name, await call.streams.stdin.rest() if name == "-" else call.files.read(call.path(name))))
        except FileError as error:
            await call.fail(f"{name}: {error}")
    return found
