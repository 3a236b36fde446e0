"""The tree of a run's processes, and making sure that it is dead.

Ansible's forked workers leave the process group (`setsid`), so killing the group is not enough. The child is a subreaper
(prctl(2), PR_SET_CHILD_SUBREAPER): whatever it started stays its descendant and is found again until nothing is left.
"""

import contextlib
import ctypes
import signal
import time
from collections.abc import Iterable

import psutil

PR_SET_CHILD_SUBREAPER = 36
MARK = "FLEETDESK_RUN"
"""Environment variable that every process of a run carries: `<run id>:<token>`."""


def become_subreaper() -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def kill_descendants(root: psutil.Process, limit_s: float = 5.0) -> bool:
    """Kill until none is left; a killed parent's children turn up on the next look. True when the tree is empty."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        living = _living(root.children(recursive=True))
        if not living:
            return True
        _kill(living)
    return False


def interrupt(root: psutil.Process) -> None:
    """Ask ansible-playbook to stop, as by Ctrl+C (SIGINT); its own children hear of it from it."""
    for process in root.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            parent = process.parent()
            words = process.cmdline()
            above = parent.cmdline() if parent else []
            if any("ansible-playbook" in word for word in words[:2]) and "ansible-playbook" not in " ".join(above[:2]):
                process.send_signal(signal.SIGINT)


def marked(mark: str) -> list[psutil.Process]:
    """Every process that carries this run's mark, whoever its parent is now."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def kill_marked(mark: str, limit_s: float = 5.0) -> bool:
    """Make sure that nothing of this run is alive on this machine. True when it is so."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        living = marked(mark)
        if not living:
            return True
        _kill(living)
    return False


def _living(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    living = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                living.append(process)
    return living


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=0.5)
