"""What a command is: a function of its call that gives an exit status."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, Self

from fleet.lab.ssh.shell.expand import Scope
from fleet.lab.ssh.shell.files import VirtualFiles
from fleet.lab.ssh.shell.machine import Machine
from fleet.lab.ssh.shell.process import Streams
from fleet.lab.ssh.shell.syntax import Node


class Running(Scope, Protocol):
    """The shell that runs a command, as far as builtins look into it."""

    machine: Machine
    applets: dict[str, Applet]
    functions: dict[str, Node]
    exported: set[str]
    locals: list[dict[str, str | None]]
    children: set[int]
    status: int
    errexit: bool

    def assign(self, name: str, value: str) -> None: ...

    def child(self, arguments: list[str], name: str) -> Self: ...

    def find(self, name: str) -> Applet | None: ...

    def leave_loop(self, kind: str, count: int) -> None: ...

    def leave_function(self, status: int) -> None: ...

    async def command(self, words: list[str], streams: Streams) -> int: ...

    async def run(self, node: Node, streams: Streams) -> int: ...

    async def script(self, source: str, streams: Streams) -> int: ...


@dataclass
class Call:
    """One command with its arguments, as an applet sees it."""

    shell: Running
    name: str
    args: list[str]
    streams: Streams

    async def out(self, text: str) -> None:
        await self.streams.out.write(text)

    async def fail(self, message: str, status: int = 1) -> int:
        await self.streams.err.write(f"{self.name}: {message}\n")
        return status

    def path(self, name: str) -> str:
        return self.shell.files.resolve(name, self.shell.cwd)

    @property
    def files(self) -> VirtualFiles:
        return self.shell.files

    @property
    def machine(self) -> Machine:
        return self.shell.machine


Applet = Callable[[Call], Awaitable[int]]
