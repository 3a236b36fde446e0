"""The child: reads an order, runs Ansible, tells events, and never leaves anything running."""

import contextlib
import json
import os
import sys
import threading
import time
from contextlib import redirect_stdout
from typing import IO, Any

import ansible_runner
import psutil

from fleet.automation.execution import private, tree
from fleet.automation.execution.order import CANCEL, RunOrder
from fleet.secrets.redact import Redactor

LOOK_S = 0.1
LONGEST_TEXT = 20_000
"""Characters of one text in an event: a device that talks without end fills no table."""


class Child:
    def __init__(self, order: RunOrder, out: IO[str]) -> None:
        self._order = order
        self._out = out
        self._redact = Redactor(order.secrets)
        self._cancelled = threading.Event()
        self._heard = time.monotonic()
        self._talking = threading.Lock()
        self._me = psutil.Process()

    def run(self) -> None:
        private.build(self._order)
        try:
            with (self._order.path / private.EVENTS).open("a") as self._file:
                try:
                    with redirect_stdout(sys.stderr):
                        status, code = self._play()
                except Exception:
                    if not self._cancelled.is_set():
                        raise
                    status, code = "canceled", 0  # killed under ansible-runner's hands
                finally:
                    dead = tree.kill_descendants(self._me)
                self._tell({"end": self._final(status), "code": code, "tree_dead": dead})
        finally:
            # The events stay: the worker takes the directory away when it has them, or whoever looks after a lost run.
            private.forget_secrets(self._order.path)

    def _play(self) -> tuple[str, int]:
        runner = ansible_runner.run(
            private_data_dir=str(self._order.path),
            playbook=self._order.playbook,
            cmdline="--diff --check" if self._order.check else "--diff",
            forks=self._order.forks,
            timeout=self._order.timeout_s,
            event_handler=self._on_event,
            cancel_callback=self._cancelled.is_set,
            ident="run",
            quiet=True,
            suppress_output_file=True,
        )
        return str(runner.status), int(runner.rc or 0)

    def _on_event(self, event: dict[str, Any]) -> bool:
        """Returns False: ansible-runner then keeps no event file of its own, ours is the redacted one."""
        self._tell(_storable(self._redact.data(_essence(event))))
        return False

    def _tell(self, message: dict[str, Any]) -> None:
        line = json.dumps(message) + "\n"
        with self._talking:
            self._file.write(line)
            self._file.flush()
            with contextlib.suppress(BrokenPipeError):  # the worker is gone; `listen` ends everything
                self._out.write(line)
                self._out.flush()

    def _final(self, status: str) -> str:
        if status == "successful":  # a stop that came when all was done has stopped nothing
            return "succeeded"
        if self._cancelled.is_set():
            return "cancelled"
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
            if self._cancelled.is_set():
                tree.kill_descendants(self._me)
            time.sleep(LOOK_S)
        self._die()

    def _die(self) -> None:
        self._cancelled.set()
        tree.kill_descendants(self._me)
        private.forget_secrets(self._order.path)
        os._exit(70)


def _essence(event: dict[str, Any]) -> dict[str, Any]:
    data = event.get("event_data") or {}
    result = data.get("res") or {}
    return {
        "counter": event["counter"],
        "event": event["event"],
        "at": event.get("created", ""),
        "host": data.get("host") or "",
        "task": data.get("task") or "",
        "text": event.get("stdout") or "",
        "changed": bool(result.get("changed")),
        "ignored": bool(data.get("ignore_errors")),
        "message": _message(result),
        "diff": _diffs(result),
        "stats": {key: data[key] for key in ("ok", "changed", "failures", "dark") if key in data},
    }


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
