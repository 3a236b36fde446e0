"""Walks the tree of a script and does what it says, on one machine."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from collections.abc import Sequence as Many
from contextlib import contextmanager
from dataclasses import dataclass, field

from fleet.lab.ssh.shell import expand, syntax
from fleet.lab.ssh.shell.arithmetic import ArithmeticSyntaxError
from fleet.lab.ssh.shell.call import Applet, Call
from fleet.lab.ssh.shell.files import FileError, VirtualFiles
from fleet.lab.ssh.shell.machine import Machine
from fleet.lab.ssh.shell.parse import parse
from fleet.lab.ssh.shell.process import KILLED, MAX_TEXT, MISUSE, NOT_FOUND, NULL, Budget, Exit, Leave, LimitError, Streams
from fleet.lab.ssh.shell.redirects import holds_session, opened_for
from fleet.lab.ssh.shell.streams import Capture, Output, OutputLimitError, TextInput


@dataclass
class Shell:
    """One shell process: variables, functions, where it stands. ``fork`` makes a subshell."""

    machine: Machine
    applets: dict[str, Applet]
    budget: Budget
    variables: dict[str, str] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)
    functions: dict[str, syntax.Node] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)
    cwd: str = "/root"
    name: str = "ash"
    pid: int = 1
    status: int = 0
    last_job: int | None = None
    depth: int = 0
    errexit: bool = False
    nounset: bool = False
    checked: int = 0
    """Above zero while a failing command is being asked about (``if``, ``&&``, ``!``), so ``set -e`` stays quiet."""
    locals: list[dict[str, str | None]] = field(default_factory=list)
    session_jobs: set[asyncio.Task[int]] = field(default_factory=set)
    """Background jobs that still hold an output of the client: its session lasts as long as they do."""
    stderr: Output = NULL
    loop_depth: int = 0
    children: set[int] = field(default_factory=set)
    ended: bool = False
    """An interactive shell was told to exit."""

    @property
    def files(self) -> VirtualFiles:
        return self.machine.files

    def fork(self) -> Shell:
        return Shell(
            machine=self.machine, applets=self.applets, budget=self.budget, variables=dict(self.variables),
            exported=set(self.exported), functions=dict(self.functions), arguments=list(self.arguments), cwd=self.cwd,
            name=self.name, pid=self.pid, status=self.status, last_job=self.last_job, depth=self.depth + 1,
            errexit=self.errexit, nounset=self.nounset, checked=self.checked, session_jobs=self.session_jobs,
            stderr=self.stderr, loop_depth=0, locals=[dict(scope) for scope in self.locals],
        )  # fmt: skip

    def child(self, arguments: list[str], name: str) -> Shell:
        """A new shell, as ``sh -c`` starts it: only what is exported is handed on."""
        new = self.fork()
        new.variables = {key: value for key, value in self.variables.items() if key in self.exported}
        new.functions, new.arguments, new.name, new.locals = {}, arguments, name, []
        new.errexit = new.nounset = False
        new.checked, new.pid, new.status = 0, self.machine.next_pid(), 0
        return new

    def special(self, name: str) -> str:
        match name:
            case "#":
                return str(len(self.arguments))
            case "?":
                return str(self.status)
            case "$":
                return str(self.pid)
            case "!":
                return "" if self.last_job is None else str(self.last_job)
            case "-":
                return ("e" if self.errexit else "") + ("u" if self.nounset else "")
            case _:
                return self.name

    # --- running whole scripts ---------------------------------------------------------------------------------------

    async def script(self, source: str, streams: Streams) -> int:
        """Run a script to its end and give its exit status. Never raises for what the script does."""
        try:
            self.status = await self.run(parse(source), streams)
        except Exit as done:
            self.status, self.ended = done.status, True
        except Leave:
            self.status = 0
        except syntax.ShellSyntaxError as error:
            self.status = await self._last_words(streams, str(error), MISUSE)
        except (expand.ExpansionError, ArithmeticSyntaxError) as error:
            self.status = await self._last_words(streams, str(error), MISUSE)
        except (LimitError, OutputLimitError, RecursionError):
            self.status = await self._last_words(streams, "Killed", KILLED)
        return self.status

    async def _last_words(self, streams: Streams, message: str, status: int) -> int:
        try:
            await streams.err.write(f"{self.name}: {message}\n")
        except (OutputLimitError, FileError):
            # Nobody is left to hear it; the status says it.
            return status
        return status

    async def run(self, node: syntax.Node, streams: Streams) -> int:
        """Run one node. Raises Exit, and what the script cannot survive."""
        await self.budget.spend()
        if self.depth > self.machine.limits.depth:
            raise LimitError("nested too deeply")
        self.status = await self._dispatch(node, streams)
        return self.status

    async def _dispatch(self, node: syntax.Node, streams: Streams) -> int:  # noqa: C901, PLR0911 - one line per kind
        match node:
            case syntax.Simple():
                return self._judged(await self._simple(node, streams))
            case syntax.Sequence():
                return await self._sequence(node.nodes, streams)
            case syntax.AndOr():
                return await self._and_or(node, streams)
            case syntax.Not():
                return await self._not(node, streams)
            case syntax.Pipeline():
                return self._judged(await self._pipeline(node.nodes, streams))
            case syntax.Background():
                return await self._background(node, streams)
            case syntax.Subshell():
                return self._judged(await self._subshell(node.node, streams))
            case syntax.Redirected():
                return await self._redirected(node, streams)
            case syntax.If():
                return await self._if(node, streams)
            case syntax.Loop() | syntax.For():
                return await self._loop(node, streams)
            case syntax.Case():
                return await self._case(node, streams)
            case syntax.Function():
                self.functions[node.name] = node.body
                return 0

    def _judged(self, status: int) -> int:
        """``set -e``."""
        self.status = status
        if status and self.errexit and not self.checked:
            raise Exit(status)
        return status

    @contextmanager
    def _asking(self) -> Iterator[None]:
        self.checked += 1
        try:
            yield
        finally:
            self.checked -= 1

    # --- lists and pipelines -----------------------------------------------------------------------------------------

    async def _sequence(self, nodes: Many[syntax.Node], streams: Streams) -> int:
        status = 0
        for node in nodes:
            status = await self.run(node, streams)
        return status

    async def _and_or(self, node: syntax.AndOr, streams: Streams) -> int:
        with self._asking():
            left = await self.run(node.left, streams)
        if (left == 0) == (node.operator == "&&"):
            return await self.run(node.right, streams)
        return left

    async def _not(self, node: syntax.Not, streams: Streams) -> int:
        with self._asking():
            return int(not await self.run(node.node, streams))

    async def _pipeline(self, nodes: Many[syntax.Node], streams: Streams) -> int:
        """One after the other, each with the whole output of the one before: the result is that of a real pipe."""
        stdin, status = streams.stdin, 0
        for index, node in enumerate(nodes):
            step = streams.copy()
            step.stdin = stdin
            if index == len(nodes) - 1:
                return await self._subshell(node, step)
            pipe = Capture(self.machine.limits.output)
            step.outputs[1] = pipe
            status = await self._subshell(node, step)
            stdin = TextInput(pipe.text)
        return status

    async def _subshell(self, node: syntax.Node, streams: Streams) -> int:
        shell = self.fork()
        try:
            return await shell.run(node, streams)
        except Exit as done:
            return done.status
        except Leave:
            return 0
        except (expand.ExpansionError, ArithmeticSyntaxError) as error:
            return await self._last_words(streams, str(error), MISUSE)

    async def _background(self, node: syntax.Background, streams: Streams) -> int:
        shell = self.fork()
        # Halved from parent to child, so that a job that starts itself anew comes to an end.
        shell.budget = Budget(self.budget.steps // 2)
        apart = Streams(TextInput(), dict(streams.outputs))

        async def work(pid: int) -> int:
            del pid
            try:
                return await shell.run(node.node, apart)
            except Exit as done:
                return done.status
            except (Leave, LimitError, OutputLimitError, expand.ExpansionError, syntax.ShellSyntaxError):
                return 1

        job = self.machine.spawn(_command_of(node.node), work)
        if job is None:
            await streams.err.write(f"{self.name}: can't fork: Resource temporarily unavailable\n")
            raise Exit(MISUSE)
        self.last_job = job.pid
        self.children.add(job.pid)
        if holds_session(node.node, apart):
            self.session_jobs.add(job.task)
            job.task.add_done_callback(self.session_jobs.discard)
        return 0

    # --- compound commands -------------------------------------------------------------------------------------------

    async def _if(self, node: syntax.If, streams: Streams) -> int:
        for condition, body in node.branches:
            with self._asking():
                status = await self.run(condition, streams)
            if status == 0:
                return await self.run(body, streams)
        return 0 if node.otherwise is None else await self.run(node.otherwise, streams)

    async def _loop(self, node: syntax.Loop | syntax.For, streams: Streams) -> int:
        self.loop_depth += 1
        try:
            turns = self._for(node, streams) if isinstance(node, syntax.For) else self._while(node, streams)
            return await turns
        except Leave as leave:
            if leave.kind != "break":
                raise
            if leave.count > 1:
                raise Leave("break", leave.count - 1) from None
            return 0
        finally:
            self.loop_depth -= 1

    async def _turn(self, body: syntax.Node, streams: Streams) -> int:
        """One turn of a loop; ``continue`` ends it."""
        try:
            return await self.run(body, streams)
        except Leave as leave:
            if leave.kind != "continue":
                raise
            if leave.count > 1:
                raise Leave("continue", leave.count - 1) from None
            return 0

    async def _while(self, node: syntax.Loop, streams: Streams) -> int:
        status = 0
        while await self._holds(node, streams):
            status = await self._turn(node.body, streams)
        return status

    async def _holds(self, node: syntax.Loop, streams: Streams) -> bool:
        with self._asking():
            return (await self._turn(node.condition, streams) == 0) != node.until

    async def _for(self, node: syntax.For, streams: Streams) -> int:
        status = 0
        values = list(self.arguments) if node.words is None else await self._words(node.words, streams)
        for value in values:
            self.assign(node.name, value)
            status = await self._turn(node.body, streams)
        return status

    async def _case(self, node: syntax.Case, streams: Streams) -> int:
        self.stderr = streams.err
        subject = await expand.text(self, node.subject)
        for patterns, body in node.items:
            for word in patterns:
                if re.fullmatch(await expand.pattern(self, word), subject, re.DOTALL):
                    return await self.run(body, streams)
        return 0

    async def _redirected(self, node: syntax.Redirected, streams: Streams) -> int:
        opened = await opened_for(self, node.redirects, streams)
        return self._judged(1) if opened is None else await self.run(node.node, opened)

    # --- simple commands ---------------------------------------------------------------------------------------------

    async def _simple(self, node: syntax.Simple, streams: Streams) -> int:
        words = await self._words(node.words, streams)
        opened = await opened_for(self, node.redirects, streams)
        if opened is None:
            return 1
        if words[:1] == ["exec"]:
            return await self._exec(words[1:], opened, streams)
        if words:
            return await self._with_assignments(node.assignments, words, opened)
        substituted = any(isinstance(part, syntax.Substitution) for _name, word in node.assignments for part in word)
        if not substituted:
            self.status = 0
        for name, word in node.assignments:
            self.assign(name, await expand.text(self, word))
        return self.status

    async def _words(self, words: Many[syntax.Word], streams: Streams) -> list[str]:
        self.stderr = streams.err
        found: list[str] = []
        for word in words:
            found += await expand.fields(self, word)
        if sum(map(len, found)) > MAX_TEXT:
            raise LimitError("arguments too long")
        return found

    async def _exec(self, words: list[str], opened: Streams, streams: Streams) -> int:
        if words:
            raise Exit(await self.command(words, opened))
        streams.stdin, streams.outputs = opened.stdin, opened.outputs
        return 0

    async def _with_assignments(self, assignments: Many[tuple[str, syntax.Word]], words: list[str], streams: Streams) -> int:
        """``A=1 command``: the variables hold, exported, for that command alone."""
        before = {name: self.variables.get(name) for name, _word in assignments}
        added = {name for name in before if name not in self.exported}
        for name, word in assignments:
            self.assign(name, await expand.text(self, word))
        self.exported |= added
        try:
            return await self.command(words, streams)
        finally:
            self.exported -= added
            for name, value in before.items():
                self._restore(name, value)

    def _restore(self, name: str, value: str | None) -> None:
        if value is None:
            self.variables.pop(name, None)
        else:
            self.variables[name] = value

    def assign(self, name: str, value: str) -> None:
        if len(value) > MAX_TEXT or len(self.variables) > 10_000:  # noqa: PLR2004 - no honest script has so many
            raise LimitError("out of memory")
        self.variables[name] = value

    async def command(self, words: list[str], streams: Streams) -> int:
        """Run a function or an applet by its name."""
        name, *args = words
        if name in self.functions:
            return await self._call(self.functions[name], args, streams)
        applet = self.find(name)
        if applet is None:
            return await self._unknown(name, streams)
        try:
            return await applet(Call(self, name.rpartition("/")[2], args, streams))
        except FileError as error:
            await streams.err.write(f"{name}: {error}\n")
            return 1

    def find(self, name: str) -> Applet | None:
        """The applet of that name, also under the paths where a device has it."""
        head, slash, base = name.rpartition("/")
        if slash and head not in ("/bin", "/sbin", "/usr/bin", "/usr/sbin"):
            return self._service(name)
        return self.applets.get(base)

    def _service(self, name: str) -> Applet | None:
        path = self.files.resolve(name, self.cwd)
        return self.applets["service"] if path.startswith("/etc/init.d/") else None

    async def _unknown(self, name: str, streams: Streams) -> int:
        if "/" in name and self.files.exists(self.files.resolve(name, self.cwd)):
            await streams.err.write(f"{self.name}: {name}: Permission denied\n")
            return NOT_FOUND - 1
        await streams.err.write(f"{self.name}: {name}: not found\n")
        return NOT_FOUND

    async def _call(self, body: syntax.Node, args: list[str], streams: Streams) -> int:
        arguments, self.arguments = self.arguments, args
        self.depth += 1
        self.locals.append({})
        try:
            return await self.run(body, streams)
        except Leave as leave:
            if leave.kind != "return":
                raise
            return leave.count
        finally:
            self.depth -= 1
            self.arguments = arguments
            for name, value in self.locals.pop().items():
                self._restore(name, value)

    @property
    def substitute(self) -> Callable[[str], Awaitable[str]]:
        return self._substitute

    async def _substitute(self, source: str) -> str:
        capture = Capture(self.machine.limits.output)
        self.status = await self._subshell(parse(source), Streams(TextInput(), {1: capture, 2: self.stderr}))
        return capture.text.replace("\0", "")

    # --- leaving -----------------------------------------------------------------------------------------------------

    def leave_loop(self, kind: str, count: int) -> None:
        if self.loop_depth:
            raise Leave(kind, min(count, self.loop_depth))

    def leave_function(self, status: int) -> None:
        if self.locals:
            raise Leave("return", status & 0xFF)
        raise Exit(status)


def _command_of(node: syntax.Node) -> str:
    """A line for ``ps``."""
    if isinstance(node, syntax.Simple):
        texts = ("".join(p.text for p in word if isinstance(p, syntax.Text)) for word in node.words)
        return " ".join(texts) or "ash"
    return "ash"
