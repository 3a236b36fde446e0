"""One simulated computer between its boots: files, running jobs, log. Sessions come and go, the machine stays."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fleet.lab.ssh.device import ShellDevice
from fleet.lab.ssh.shell.files import VirtualFiles

_FIRST_PID = 1200
_LOG_LINES = 500


@dataclass(frozen=True)
class Limits:
    """How much one script may use."""

    steps: int = 200_000
    output: int = 4 * 1024 * 1024
    depth: int = 40
    jobs: int = 64
    run_time_s: float = 900.0


@dataclass
class Job:
    pid: int
    command: str
    task: asyncio.Task[int]


@dataclass
class Machine:
    device: ShellDevice
    limits: Limits = field(default_factory=Limits)
    reboot_delay_s: float = 0.5
    on_reboot: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.jobs: dict[int, Job] = {}
        self.log: deque[str] = deque(maxlen=_LOG_LINES)
        self.files = VirtualFiles(self.device.files, self._computed())
        self._pid = _FIRST_PID
        self._reboot: asyncio.TimerHandle | None = None

    def _computed(self) -> Mapping[str, Callable[[], str]]:
        return {
            "/proc/uptime": lambda: f"{self.device.uptime_s:.2f} {self.device.uptime_s * 0.9:.2f}\n",
            "/proc/sys/kernel/hostname": lambda: f"{self.device.hostname}\n",
            "/proc/loadavg": lambda: f"0.08 0.03 0.01 1/{60 + len(self.jobs)} {self._pid}\n",
            "/dev/null": str,
        }

    def next_pid(self) -> int:
        self._pid += 1
        return self._pid

    def spawn(self, command: str, work: Callable[[int], Coroutine[None, None, int]]) -> Job | None:
        """Start ``work`` (which is given its pid) beside everything else; None when there are too many jobs."""
        if len(self.jobs) >= self.limits.jobs:
            return None
        pid = self.next_pid()
        job = Job(pid, command, asyncio.create_task(work(pid)))
        self.jobs[pid] = job
        job.task.add_done_callback(lambda _task: self.jobs.pop(pid, None))
        return job

    def note(self, tag: str, text: str, now: datetime | None = None) -> None:
        """One line in the system log."""
        stamp = (now or datetime.now(UTC)).strftime("%a %b %e %H:%M:%S %Y")
        self.log.append(f"{stamp} user.notice {tag}: {text}\n")

    def reboot_soon(self, delay_s: float = 0.0) -> None:
        """As on a real one the command returns, and a moment later everything is gone."""
        if self._reboot is None:
            loop = asyncio.get_running_loop()
            self._reboot = loop.call_later(self.reboot_delay_s + delay_s, self._reboot_now)

    def _reboot_now(self) -> None:
        self.power_off()
        self.device.reboot()

    def power_off(self) -> None:
        """End all jobs and connections and forget what lay in memory, whoever pulled the plug."""
        self.stop()
        self.log.clear()
        self.files.forget_volatile()
        self.on_reboot()

    def stop(self) -> None:
        """End all jobs; the files stay as they are."""
        if self._reboot is not None:
            self._reboot.cancel()
            self._reboot = None
        for job in list(self.jobs.values()):
            job.task.cancel()
        self.jobs.clear()
