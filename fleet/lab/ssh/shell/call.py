"""What a command is: a function of its call that gives an exit status."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet.lab.ssh.shell.files import VirtualFiles
from fleet.lab.ssh.shell.machine import Machine
from fleet.lab.ssh.shell.process import Streams

if TYPE_CHECKING:
    from fleet.lab.ssh.shell.interpreter import Shell


@dataclass
class Call:
    """One command with its arguments, as an applet sees it."""

    shell: Shell
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
