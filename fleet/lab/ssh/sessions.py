"""What happens in one SSH session: one command, or a person (or a script) typing lines."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncssh
from asyncssh.misc import SoftEOFReceived

from fleet.lab.ssh.shell import Machine, Shell
from fleet.lab.ssh.shell.applets import APPLETS
from fleet.lab.ssh.shell.parse import is_complete
from fleet.lab.ssh.shell.process import KILLED, Budget, Streams
from fleet.lab.ssh.shell.streams import Input, Output, OutputLimitError, TextInput
from fleet.lab.ssh.switch_cli import SwitchCli
from fleet.lab.ssh.vendors import VendorCli

Process = asyncssh.SSHServerProcess[str]
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
MAX_STDIN = 4 * 1024 * 1024
_GONE = (BrokenPipeError, ConnectionError, asyncssh.Error)


class ChannelInput:
    """The client's standard input."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def line(self) -> str:
        return await self._read(self._process.stdin.readline)

    async def rest(self) -> str:
        """Up to the end; what is beyond 4 MiB is dropped."""
        found: list[str] = []
        while (text := await self._read(self._chunk)) and sum(map(len, found)) < MAX_STDIN:
            found.append(text)
        return "".join(found)

    async def _chunk(self) -> str:
        return await self._process.stdin.read(65536)

    @staticmethod
    async def _read(read: Callable[[], Awaitable[str]]) -> str:
        while True:
            try:
                return await read()
            except asyncssh.TerminalSizeChanged:
                continue
            except (SoftEOFReceived, asyncssh.SignalReceived, *_GONE):
                return ""


class ChannelOutput:
    """One of the client's outputs. A client that has gone away reads nothing, and nobody minds."""

    of_session = True

    def __init__(self, writer: asyncssh.SSHWriter[str], limit: int) -> None:
        self._writer, self._left = writer, limit

    async def write(self, text: str) -> None:
        if not text:
            return
        self._left -= len(text)
        if self._left < 0:
            raise OutputLimitError
        try:
            self._writer.write(text)
            await self._writer.drain()
        except _GONE:
            return


@dataclass
class Terminal:
    """The three streams of a session, and whether a person sits there."""

    stdin: Input
    out: Output
    err: Output
    prompts: bool

    async def prompt(self, text: str) -> None:
        if self.prompts:
            await self.out.write(text)


def terminal(process: Process, limit: int) -> Terminal:
    out, err = (ChannelOutput(writer, limit) for writer in (process.stdout, process.stderr))
    return Terminal(ChannelInput(process), out, err, process.term_type is not None and process.command is None)


def _shell(machine: Machine) -> Shell:
    variables = {"HOME": "/root", "PATH": _PATH, "PWD": "/root", "USER": "root", "SHELL": "/bin/ash"}
    budget = Budget(machine.limits.steps)
    return Shell(machine, APPLETS, budget, variables, exported=set(variables), pid=machine.next_pid())


async def run_shell(machine: Machine, command: str | None, term: Terminal) -> int:
    """One command, or lines until the end; lasts as long as a job holds the client's output. Gives the exit status."""
    shell = _shell(machine)
    try:
        async with asyncio.timeout(machine.limits.run_time_s if command is not None else None):
            if command is None:
                await _lines(shell, term)
            else:
                await shell.script(command, Streams(term.stdin, {1: term.out, 2: term.err}))
            if shell.session_jobs:
                await asyncio.wait(shell.session_jobs)
    except TimeoutError:
        return KILLED
    return shell.status


async def _lines(shell: Shell, term: Terminal) -> None:
    """An interactive shell: a command begins when its last line is there."""
    await term.prompt(shell.machine.device.files.get("/etc/banner", ""))
    pending = ""
    while not shell.ended:
        await term.prompt("> " if pending else f"root@{shell.machine.device.hostname}:{_where(shell)}# ")
        line = await term.stdin.line()
        pending += line
        if line and not is_complete(pending):
            continue
        shell.budget = Budget(shell.machine.limits.steps)
        stdin = term.stdin if line else TextInput()
        if pending.strip():
            await shell.script(pending, Streams(stdin, {1: term.out, 2: term.err}))
        pending = ""
        if not line:
            return


def _where(shell: Shell) -> str:
    return "~" if shell.cwd == "/root" else shell.cwd


async def run_cli(cli: SwitchCli, command: str | None, term: Terminal) -> int:
    """The switch's command line; a command that fails ends an exec with status 1."""
    if command is not None:
        reply = cli.script(command)
        await term.out.write(reply.text)
        return int(reply.failed)
    banner = cli.device.running_config.banner
    await term.prompt(f"{banner}\n" if banner else "")
    while not cli.closed:
        await term.prompt(cli.prompt)
        line = await term.stdin.line()
        if not line:
            break
        await term.out.write(cli.execute(line).text)
    return 0


async def run_vendor(cli: VendorCli, command: str | None, term: Terminal, *, echo: bool) -> int:
    """A vendor's command line: it prompts always, and echoes where no terminal does."""
    if cli.vendor.needs_terminal and echo:
        await term.out.write("A terminal is needed here.\n")
        return 1
    if command is not None:
        await _paged(cli, cli.execute(command), term)
        return 0
    await term.out.write(cli.vendor.greeting)
    if cli.vendor.any_key:
        await term.stdin.line()
    while not cli.closed:
        await term.out.write(cli.prompt)
        line = await term.stdin.line()
        if not line:
            break
        secret = cli.asking is not None
        await term.out.write(line if echo and not secret else "\n")
        await _paged(cli, cli.execute(line.rstrip("\r\n")), term)
    return 0


async def _paged(cli: VendorCli, text: str, term: Terminal) -> None:
    """Page by page; whatever is typed meanwhile is only a key to go on, or `q` to stop."""
    lines = text.splitlines(keepends=True)
    while cli.page_lines and len(lines) > cli.page_lines:
        await term.out.write("".join(lines[: cli.page_lines]) + cli.vendor.more)
        lines = lines[cli.page_lines :]
        key = await term.stdin.line()
        if not key or key.startswith("q"):
            return
    await term.out.write("".join(lines))
