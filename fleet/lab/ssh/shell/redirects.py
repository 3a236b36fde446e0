"""Opens what ``<``, ``>``, ``>>``, ``2>&1`` and ``<<`` name (POSIX.1-2024, 2.7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from fleet.lab.ssh.shell import expand, syntax
from fleet.lab.ssh.shell.files import FileError
from fleet.lab.ssh.shell.process import NULL, Streams
from fleet.lab.ssh.shell.streams import FileOutput, Output, TextInput


class Speaking(expand.Scope, Protocol):
    """A shell that says what could not be opened."""

    name: str
    stderr: Output


async def opened_for(shell: Speaking, redirects: Sequence[syntax.Redirect], streams: Streams) -> Streams | None:
    """The streams after the redirections; None when one failed, which was said."""
    if not redirects:
        return streams
    opened = streams.copy()
    shell.stderr = streams.err
    for redirect in redirects:
        target = await expand.text(shell, redirect.target)
        try:
            _redirect(shell, redirect, target, opened)
        except FileError as error:
            verb = "open" if redirect.operator == "<" else "create"
            await streams.err.write(f"{shell.name}: can't {verb} {target}: {error}\n")
            return None
    return opened


def _redirect(shell: Speaking, redirect: syntax.Redirect, target: str, opened: Streams) -> None:
    match redirect.operator:
        case "<<":
            opened.stdin = TextInput(target)
        case "<":
            path = shell.files.resolve(target, shell.cwd)
            opened.stdin = TextInput(shell.files.read(path))
        case "<&" | ">&" if target == "-":
            opened.outputs.pop(redirect.fd, None)
            if redirect.fd == 0:
                opened.stdin = TextInput()
        case "<&":
            return
        case ">&":
            opened.outputs[redirect.fd] = _duplicate(target, opened)
        case _:
            opened.outputs[redirect.fd] = _output(shell, target, append=redirect.operator == ">>")


def _duplicate(target: str, opened: Streams) -> Output:
    if not target.isdecimal():
        raise FileError("Bad file descriptor")
    output = opened.outputs.get(int(target))
    if output is None:
        raise FileError("Bad file descriptor")
    return output


def _output(shell: Speaking, target: str, *, append: bool) -> Output:
    path = shell.files.resolve(target, shell.cwd)
    return NULL if path == "/dev/null" else FileOutput(shell.files, path, append=append)


def holds_session(node: syntax.Node, streams: Streams) -> bool:
    """Whether a job still leads to the client once its own redirections are made."""
    held = {fd: output.of_session for fd, output in streams.outputs.items()}
    for redirect in node.redirects if isinstance(node, syntax.Simple | syntax.Redirected) else ():
        target = "".join(part.text for part in redirect.target if isinstance(part, syntax.Text))
        if redirect.operator in (">", ">>", ">|"):
            held[redirect.fd] = False
        elif redirect.operator == ">&":
            held[redirect.fd] = target.isdecimal() and held.get(int(target), False)
    return any(held.values())
