"""What every command of a script shares: its streams, its budget, the ways it may end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from fleet.lab.ssh.shell.streams import Input, Null, Output

NOT_FOUND = 127
MISUSE = 2
KILLED = 137
MAX_TEXT = 4 * 1024 * 1024


class Exit(Exception):  # noqa: N818 - not an error, the way a shell ends
    def __init__(self, status: int) -> None:
        self.status = status & 0xFF


class Leave(Exception):  # noqa: N818 - the way out of loops and functions
    def __init__(self, kind: str, count: int) -> None:
        self.kind, self.count = kind, count


class LimitError(Exception):
    """A script used more than its machine gives it; it is killed."""


NULL = Null()


@dataclass
class Streams:
    """The open file descriptors of a command."""

    stdin: Input
    outputs: dict[int, Output]

    @property
    def out(self) -> Output:
        return self.outputs.get(1, NULL)

    @property
    def err(self) -> Output:
        return self.outputs.get(2, NULL)

    def copy(self) -> Streams:
        return Streams(self.stdin, dict(self.outputs))


@dataclass
class Budget:
    """Shared by a script and everything it starts."""

    steps: int
    since_pause: int = 0

    async def spend(self) -> None:
        self.steps -= 1
        self.since_pause += 1
        if self.steps < 0:
            raise LimitError("too many steps")
        if self.since_pause >= 100:  # noqa: PLR2004 - often enough for the other devices in this process
            self.since_pause = 0
            await asyncio.sleep(0)
