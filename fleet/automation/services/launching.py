"""Starting the child that runs Ansible, and talking with it. Knows no rows."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from django.conf import settings

from fleet.automation.execution import tree
from fleet.automation.execution.order import BEAT, CANCEL, RunOrder
from fleet.secrets.redact import Redactor

LAST_WORDS = 40
"""Lines of the child's standard error that are kept for when it dies."""
RESERVE_S = 60
"""So long after its time and its grace a child may still be there; one that stands still by then never ends by itself."""
STOPS_WITHIN_S = 20
"""So long a child may take from hearing that it is to stop until everything of it is dead."""


class ChildProcess:
    """Context manager around the child; leaving it closes the child's input, which ends the child's whole tree."""

    def __init__(self, order: RunOrder, mark: str) -> None:
        self._order, self._mark = order, mark
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._errors: deque[str] = deque(maxlen=LAST_WORDS)
        self._cancelled_at = float("inf")
        self._told_its_end = False

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fleet.automation.execution"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=settings.BASE_DIR,
            env=_environment(self._mark),
            start_new_session=True,
        )
        self._threads = [
            threading.Thread(target=self._read_events, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        self._began = time.monotonic()
        with contextlib.suppress(OSError):  # a child that died at once: its silence says so
            self._write(json.dumps(self._order.as_dict()))
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._input.close()
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self._process.kill()
        tree.kill_marked(self._mark)
        for thread in self._threads:
            thread.join(timeout=5)
        for stream in (self._process.stdout, self._process.stderr):
            if stream:
                stream.close()

    def cancel(self) -> None:
        self._cancelled_at = min(self._cancelled_at, time.monotonic())
        with contextlib.suppress(OSError):
            self._write(CANCEL)

    def beat(self) -> None:
        """The lease is ours for another while; a child that does not hear this in time ends everything by itself."""
        with contextlib.suppress(OSError):
            self._write(BEAT)

    def batches(self, every_s: float) -> Iterator[list[dict[str, Any]]]:
        """What comes in `every_s` seconds (possibly nothing), again and again until the child has ended.

        One that stands still (stopped, or hung in the kernel) is killed after a while, and its end told in its place.
        """
        over = False
        while not over:
            batch: list[dict[str, Any]] = []
            until = time.monotonic() + every_s
            with contextlib.suppress(queue.Empty):
                while not over and (left := until - time.monotonic()) > 0:
                    line = self._lines.get(timeout=left)
                    over = line is None
                    batch += [] if line is None else [json.loads(line)]
            self._told_its_end |= any("end" in message for message in batch)
            if not over and (end := self._stands_still()):
                self._process.kill()
                batch += [] if self._told_its_end else [{"end": end}]
                over = True
            yield batch

    def _stands_still(self) -> str:
        """The end of a child that neither keeps its own time nor hears that it is to stop; empty while it may do so."""
        now = time.monotonic()
        if now >= self._cancelled_at + STOPS_WITHIN_S:
            return "cancelled"
        return "timed-out" if now >= self._began + self._order.timeout_s + self._order.grace_s + RESERVE_S else ""

    @property
    def last_words(self) -> str:
        """The end of the child's standard error, without the secrets that it was given."""
        return Redactor(self._order.secrets).text("".join(self._errors))[-2000:]

    @property
    def _input(self) -> Any:
        return self._process.stdin

    def _write(self, line: str) -> None:
        self._input.write(line + "\n")
        self._input.flush()

    def _read_events(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(line)
        self._lines.put(None)

    def _read_errors(self) -> None:
        self._errors.extend(self._process.stderr or ())


def _environment(mark: str) -> dict[str, str]:
    """Clean: nothing of the worker's environment (ansible-runner writes its own into a file) but what programs need."""
    return {
        tree.MARK: mark,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(settings.BASE_DIR),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": "/nonexistent",
    }
