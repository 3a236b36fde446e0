"""Traps of ansible-core that need no device: what happens without our measure, and that the measure closes it."""

import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from fleet.automation.execution import tree
from tests.integration.namespaces.target import BIN, PATIENCE_S, TOP, unsafe

DEADLINE_S = 30.0


def command(home: Path, task: dict[str, Any], *flags: str, **environment: str) -> tuple[list[str], dict[str, str]]:
    """A play of one task on this machine, which needs neither SSH nor Python there."""
    (home / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}]))
    (home / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"here": {"ansible_connection": "local"}}}}))
    argv = [str(BIN / "ansible-playbook"), "-i", str(home / "hosts.yml"), str(home / "play.yml"), *flags]
    return argv, {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(home), "LC_ALL": "C.UTF-8", **environment}


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, "it does not come true"
        time.sleep(0.05)


@pytest.mark.parametrize("marked", [False, True])
def test_a_lookup_in_a_json_file_of_arguments_runs_unless_marked(tmp_path: Path, marked: bool) -> None:
    trace, given = tmp_path / "trace", tmp_path / "given.json"
    arguments = {"ssid": f"{{{{ lookup('pipe', 'touch {trace}') }}}}x"}
    given.write_text(json.dumps(unsafe(arguments) if marked else arguments))
    argv, environment = command(tmp_path, {"debug": {"msg": "{{ ssid }}"}}, "-e", f"@{given}")

    subprocess.run(argv, env=environment, cwd=TOP, capture_output=True, check=True, timeout=PATIENCE_S)

    assert trace.exists() is not marked


def test_workers_outlive_their_process_group_but_not_their_mark(tmp_path: Path) -> None:
    mark = f"0:{uuid.uuid4()}"
    argv, environment = command(tmp_path, {"raw": f"touch {tmp_path}/begun; sleep 60"}, **{tree.MARK: mark})
    main = subprocess.Popen(argv, env=environment, cwd=TOP, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        until((tmp_path / "begun").exists)

        os.killpg(main.pid, signal.SIGKILL)
        main.wait(DEADLINE_S)
        left = tree.marked(mark)
        sessions = {os.getsid(process.pid) for process in left}

        assert left
        assert main.pid not in sessions
        assert tree.kill_marked(mark)
        assert tree.marked(mark) == []
        assert not any(psutil.pid_exists(process.pid) and process.status() != psutil.STATUS_ZOMBIE for process in left)
    finally:
        tree.kill_marked(mark)
