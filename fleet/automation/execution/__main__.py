"""The child: reads an order, runs Ansible, tells events, and never leaves anything running."""

import contextlib
import errno
import json
import os
import sys
import threading
import time
from collections.abc import Collection
from contextlib import ExitStack, redirect_stdout
from typing import IO, Any

import ansible_runner
import psutil

from fleet.automation.execution import private, tree
from fleet.automation.execution.agent import Agent, AgentError
from fleet.automation.execution.handover import Handover
from fleet.automation.execution.order import CANCEL, DISK_FULL, NO_KEY, RunOrder
from fleet.secrets.redact import Redactor
from fleet.secrets.types import Secret

LOOK_S = 0.1
LAST_RESORT_S = 15
"""ansible-runner's own time limit comes so long after ours, in case that nobody keeps ours."""
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
LONGEST_TEXT = 20_000
"""Characters of one text in an event: a device that talks without end fills no table."""


class Child:
    def __init__(self, order: RunOrder, out: IO[str]) -> None:
        self._order = order
        self._out = out
        self._redact = Redactor(order.secrets)
        self._cancelled, self._overdue = threading.Event(), threading.Event()
        self._asked, self._problem, self._said = False, "", ""
        self._began = float("inf")
        self._handover = Handover(private.given(order))
        self._heard = time.monotonic()
        self._talking = threading.Lock()
        self._me = psutil.Process()

    def run(self) -> None:
        try:
            private.build(self._order)
            with (self._order.path / private.EVENTS).open("a") as self._file:
                self._see_through()
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            self._say({"end": "failed", "code": 1, "problem": DISK_FULL, "tree_dead": tree.kill_descendants(self._me)})
        finally:
            # The events stay: the worker takes the directory away when it has them, or whoever looks after a lost run.
            private.forget_secrets(self._order.path)

    def _see_through(self) -> None:
        keys = [Secret(key) for key in self._order.keys.values()]
        try:
            with redirect_stdout(sys.stderr), ExitStack() as stack:
                agent = stack.enter_context(Agent(self._order.path / "agent", keys)).socket if keys else None
                private.tell_environment(self._order, agent)
                self._handover.open()
                self._began = time.monotonic()
                status, code = self._play()
        except AgentError as error:
            status, code = "failed", 1
            self._problem, self._said = NO_KEY, str(error)
        except Exception:
            if not self._stopped():
                raise
            status, code = "canceled", 0  # killed under ansible-runner's hands
        finally:
            self._handover.close()
            dead = tree.kill_descendants(self._me)
        about = {"problem": self._problem, "error": self._said}
        self._tell({"end": self._final(status), "code": code, "tree_dead": dead} | about)

    def _play(self) -> tuple[str, int]:
        runner = ansible_runner.run(
            private_data_dir=str(self._order.path),
            playbook=self._order.playbook,
            cmdline=private.options(self._order),
            forks=self._order.forks,
            timeout=int(self._order.timeout_s + self._order.grace_s) + LAST_RESORT_S,
            event_handler=self._on_event,
            cancel_callback=self._stopped,
            ident="run",
            quiet=True,
            suppress_output_file=True,
            fact_cache_type="memory",  # else it sets `jsonfile`, and facts may hold what is secret
        )
        return str(runner.status), int(runner.rc or 0)

    def _stopped(self) -> bool:
        return self._cancelled.is_set() or self._overdue.is_set()

    def _on_event(self, event: dict[str, Any]) -> bool:
        """Returns False: ansible-runner then keeps no event file of its own, ours is the redacted one."""
        if event["event"] == "playbook_on_play_start":
            self._handover.close()
        self._tell(_storable(_essence(event, self._order.hosts, self._redact)), _configuration(event))
        return False

    def _tell(self, message: dict[str, Any], unkept: dict[str, str] | None = None) -> None:
        """To the file first; what it has no room for, the worker hears all the same, and the run ends.

        `unkept` goes to the worker alone: a configuration holds its device's secrets, and no file may hold those.
        """
        try:
            with self._talking:
                self._file.write(json.dumps(message) + "\n")
                self._file.flush()
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            self._problem = DISK_FULL
            self._overdue.set()
        failed = {"end": "failed", "problem": self._problem} if self._problem and "end" in message else {}
        self._say(message | (unkept or {}) | failed)

    def _say(self, message: dict[str, Any]) -> None:
        with self._talking, contextlib.suppress(BrokenPipeError):  # the worker is gone; `listen` ends everything
            self._out.write(json.dumps(message) + "\n")
            self._out.flush()

    def _final(self, status: str) -> str:
        if status == "successful":  # a stop that came when all was done has stopped nothing
            return "succeeded"
        if self._problem:
            return "failed"
        if self._cancelled.is_set():
            return "cancelled"
        if self._asked or self._overdue.is_set():
            return "timed-out"
        return {"timeout": "timed-out", "canceled": "cancelled"}.get(status, "failed")

    def listen(self, commands: IO[str]) -> None:
        """In a thread of its own: what the worker says; the end of input means that it is gone."""
        for line in commands:
            self._heard = time.monotonic()
            if line.strip() == CANCEL:
                self._cancelled.set()
        self._die()

    def watch(self) -> None:
        """In a thread of its own: a cancelled run's processes are killed until none is left, also those just starting.

        A worker that is alive but no longer holds its lease (stopped, or cut off from its database) does not say «beat»;
        then others may take the devices, and nothing of this run may live on, on whatever machine it is.
        """
        while time.monotonic() - self._heard < self._order.lease_s:
            self._keep_time()
            if self._stopped():
                tree.kill_descendants(self._me)
            time.sleep(LOOK_S)
        self._die()

    def _keep_time(self) -> None:
        """At its time a playbook is asked to stop, as by Ctrl+C; a while later it and all its processes are killed."""
        took = time.monotonic() - self._began
        if took > self._order.timeout_s and not self._asked:
            self._asked = True
            tree.interrupt(self._me)
        if took > self._order.timeout_s + self._order.grace_s:
            self._overdue.set()
        elif private.is_full(self._order.path) and not self._problem:
            self._problem = DISK_FULL
            self._overdue.set()

    def _die(self) -> None:
        self._cancelled.set()
        tree.kill_descendants(self._me)
        private.forget_secrets(self._order.path)
        os._exit(70)


def _essence(event: dict[str, Any], hosts: Collection[str], redact: Redactor) -> dict[str, Any]:
    """What is kept of an event. Masked is what playbooks and devices say; the rest are words of Ansible and of ours.

    By those the worker reads it, so they stay also where somebody's secret is one of them. `hosts`: names that we gave.
    """
    data = event.get("event_data") or {}
    result = data.get("res") or {}
    host = data.get("host") or ""
    return {
        "counter": event["counter"],
        "event": event["event"],
        "at": event.get("created", ""),
        "host": host if host in hosts else redact.text(host),
        "task": redact.text(data.get("task") or ""),
        "text": redact.text(_text(event)),
        "changed": bool(result.get("changed")),
        "ignored": bool(data.get("ignore_errors")),
        "message": redact.text(_message(result)),
        "diff": [{side: redact.text(text) for side, text in diff.items()} for diff in _diffs(result)],
        "stats": {key: _of_hosts(data[key], hosts) for key in ("ok", "changed", "failures", "dark") if key in data},
    }


def _text(event: dict[str, Any]) -> str:
    text: str = event.get("stdout") or ""
    return text.partition(" => ")[0] if _configuration(event) else text  # where somebody has asked Ansible for more words


def _of_hosts(counts: dict[str, int], hosts: Collection[str]) -> dict[str, int]:
    return {host: count for host, count in counts.items() if host in hosts}


def _configuration(event: dict[str, Any]) -> dict[str, str]:
    text = ((event.get("event_data") or {}).get("res") or {}).get("fleetdesk_configuration")
    return {"configuration": text} if isinstance(text, str) else {}


def _storable(value: Any) -> Any:
    """Text as every database takes it: no NUL, no half characters, and not without end."""
    if isinstance(value, str):
        text = value if len(value) <= LONGEST_TEXT else value[:LONGEST_TEXT] + " …"
        return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_storable(str(key)): _storable(item) for key, item in value.items()}
    return [_storable(item) for item in value] if isinstance(value, list) else value


def _message(result: dict[str, Any]) -> str:
    return str(result.get("msg") or result.get("stderr") or "")


def _diffs(result: dict[str, Any]) -> list[dict[str, str]]:
    """The before/after pairs of a task and of its loop items, as text."""
    tasks = [result, *(item for item in result.get("results") or () if isinstance(item, dict))]
    given = [diff for task in tasks for diff in _listed(task.get("diff"))]
    return [
        {"before": str(diff.get("before", "")), "after": str(diff.get("after", ""))}
        for diff in given
        if isinstance(diff, dict) and diff.get("before") != diff.get("after")
    ]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def main() -> int:
    tree.become_subreaper()
    os.umask(0o077)
    order = RunOrder(**json.loads(sys.stdin.readline()))
    child = Child(order, sys.stdout)
    threading.Thread(target=child.listen, args=(sys.stdin,), daemon=True).start()
    threading.Thread(target=child.watch, daemon=True).start()
    child.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
