"""The traps of ansible-runner, each closed: what the child lets in, what it lets out, and that nothing outlives it."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from config.env import BASE_DIR
from fleet.automation.execution import tree
from fleet.automation.execution.order import RunOrder
from tests.integration.lab_ssh.conftest import Lab
from tests.integration.playbooks.conftest import lab

__all__ = ["lab"]

SECRET = "gepflanzt-3Kd9-w7Pq"
REVEAL = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.debug: {msg: "the key is {{ psk }}, the planted one {{ lookup('env', 'PLANTED') }}."}
    - ansible.builtin.command: env
      delegate_to: localhost
      connection: local
      vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
"""
SLOW = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.command: setsid sleep 300
      delegate_to: localhost
      connection: local
      vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
"""
RAW = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.raw: cat /proc/uptime
"""

WRITING = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.raw: cat /proc/uptime
    - ansible.builtin.copy: {content: "Ahorn", dest: "FILE"}
      delegate_to: localhost
      connection: local
      vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
"""


@dataclass
class Told:
    events: list[dict[str, Any]] = field(default_factory=list)
    raw: str = ""

    @property
    def end(self) -> str:
        return str(self.events[-1].get("end", ""))

    def texts(self) -> str:
        return "\n".join(event.get("text", "") for event in self.events)


def order(lab: Lab, tmp_path: Path, playbook: str, **changes: Any) -> RunOrder:
    path = tmp_path / "playbook.yml"
    path.write_text(playbook)
    device = lab.ap.device
    host = {
        "groups": ["openwrt"],
        "vars": {"ansible_host": device.address, "ansible_port": lab.port, "ansible_user": "root"},
        "key": "client",
        "known_host": f"[{device.address}]:{lab.port} {lab.keys.host_public_key(device.key)}",
    }
    fresh = RunOrder(
        private_dir=str(tmp_path / "private"),
        playbook=str(path),
        group_vars=str(BASE_DIR / "inventory" / "group_vars"),
        hosts={"device-1": host},
        keys={"client": lab.keys.client_private_key()},
        arguments={"psk": SECRET},
        secrets=[SECRET],
        check=False,
        timeout_s=60,
        forks=2,
        environment={"ANSIBLE_CONFIG": str(BASE_DIR / "ansible.cfg")},
    )
    return replace(fresh, **changes)


def sleeping(mark: str) -> bool:
    """Whether a task of this run waits; a process may end between being seen and being asked."""
    for process in tree.marked(mark):
        with suppress(psutil.NoSuchProcess):
            if "sleep" in process.name():
                return True
    return False


async def start(wish: RunOrder, mark: str = "1:test") -> asyncio.subprocess.Process:
    """As services.launching does it: nothing of our environment goes along."""
    environment = {
        tree.MARK: mark,
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(BASE_DIR),
        "HOME": "/nonexistent",
    }
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "fleet.automation.execution",
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        env=environment,
        cwd=BASE_DIR,
    )
    assert child.stdin is not None
    child.stdin.write((json.dumps(wish.as_dict()) + "\n").encode())
    await child.stdin.drain()
    return child


async def listened(child: asyncio.subprocess.Process) -> Told:
    told = Told()
    assert child.stdout is not None
    async for line in child.stdout:
        told.raw += line.decode()
        told.events.append(json.loads(line))
    await child.wait()
    return told


async def until(holds: Callable[[], object], limit_s: float = 30) -> None:
    async with asyncio.timeout(limit_s):
        while not holds():  # noqa: ASYNC110  (processes of another tree set no event of ours)
            await asyncio.sleep(0.05)


def left(tmp_path: Path) -> list[str]:
    """What a run leaves for whoever wants to know what it did."""
    return [path.name for path in (tmp_path / "private").iterdir()]


@pytest.fixture(autouse=True)
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED", "worker-environment-sentinel")


async def test_neither_secrets_nor_the_workers_environment_come_out(lab: Lab, tmp_path: Path) -> None:
    told = await listened(await start(order(lab, tmp_path, REVEAL)))

    assert told.end == "succeeded", told.raw
    assert "the key is ***" in told.texts()
    assert SECRET not in told.raw
    assert "worker-environment-sentinel" not in told.raw
    assert left(tmp_path) == ["events.jsonl"]
    assert SECRET not in (tmp_path / "private" / "events.jsonl").read_text()


async def test_of_each_device_is_told_once_that_it_was_begun_and_what_changed(lab: Lab, tmp_path: Path) -> None:
    told = await listened(await start(order(lab, tmp_path, WRITING.replace("FILE", str(tmp_path / "tree")))))

    heard = [(event["event"], event["changed"], event["diff"]) for event in told.events if event.get("host")]
    assert heard == [
        ("runner_on_start", False, []),
        ("runner_on_ok", True, []),
        ("runner_on_ok", True, [{"before": "", "after": "Ahorn"}]),
    ]


async def test_a_device_that_shows_another_host_key_is_not_talked_to(lab: Lab, tmp_path: Path) -> None:
    wish = order(lab, tmp_path, RAW)
    other = next(key for key in (machine.device.key for machine in lab.world.machines) if key != lab.ap.device.key)
    forged = f"[{lab.ap.device.address}]:{lab.port} {lab.keys.host_public_key(other)}"
    wish.hosts["device-1"]["known_host"] = forged

    told = await listened(await start(wish))

    assert told.end == "failed"
    assert [event["event"] for event in told.events if event.get("host")][-1] == "runner_on_unreachable"


async def test_the_right_host_key_is(lab: Lab, tmp_path: Path) -> None:
    assert (await listened(await start(order(lab, tmp_path, RAW)))).end == "succeeded"


@pytest.mark.parametrize("how", ["cancel", "end of input"])
async def test_nothing_outlives_a_run_not_even_what_left_the_process_group(lab: Lab, tmp_path: Path, how: str) -> None:
    mark = f"2:{how}"
    child = await start(order(lab, tmp_path, SLOW), mark)
    await until(lambda: sleeping(mark))
    assert child.stdin is not None

    if how == "cancel":
        child.stdin.write(b"cancel\n")
        await child.stdin.drain()
    else:
        child.stdin.close()
    told = await listened(child)

    assert not [process for process in tree.marked(mark) if process.pid != os.getpid()]
    assert told.end == "cancelled" or how == "end of input"
    assert left(tmp_path) == ["events.jsonl"]


async def test_a_killed_child_is_found_by_its_mark_and_ended(lab: Lab, tmp_path: Path) -> None:
    mark = "3:killed"
    child = await start(order(lab, tmp_path, SLOW), mark)
    await until(lambda: sleeping(mark))

    psutil.Process(child.pid).send_signal(signal.SIGKILL)
    await listened(child)

    assert await asyncio.to_thread(tree.kill_marked, mark)
    assert tree.marked(mark) == []


async def test_a_hanging_task_ends_with_the_playbooks_time(lab: Lab, tmp_path: Path) -> None:
    told = await listened(await start(order(lab, tmp_path, SLOW, timeout_s=4), "4:slow"))

    assert told.end == "timed-out"
    assert tree.marked("4:slow") == []


async def test_a_directory_of_an_earlier_attempt_is_refused(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "private" / "env").mkdir(parents=True)

    child = await start(order(lab, tmp_path, RAW))
    told = await listened(child)

    assert told.events == []
    assert child.returncode not in (0, None)


SEEN = """
import os
from jinja2.ext import Extension
class Seen(Extension):
    def preprocess(self, source, name, filename=None):
        if "ahorn" in source:
            os.write(os.open("LOG", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), source.encode() + b"\\n")
        return source
"""
"""A Jinja extension that writes down each text that is parsed."""
LOOKUP = """
import os
from ansible.plugins.lookup import LookupBase
os.write(os.open("LOG", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), b"lookup of a tree\\n")
class LookupModule(LookupBase):
    def run(self, terms, variables=None, **named):
        return [variables["tree"]]
"""
"""Writes down that it is loaded."""
TREES = (("device-1", "elm"), ("device-2", "oak"), ("device-3", "yew"))
GREETING = r"""
- hosts: all
  gather_facts: false
  vars:
    greeting: "{{ lookup('standing') }}: {{ inventory_hostname }}, {{ 'ahorn' }} as a tree"
    missing: "{{ lookup('of_no_such_name') }}"
    broken: "{{ ahorn | nothing_of_this_name }}"
  tasks:
    - ansible.builtin.debug: {msg: "{{ greeting }}"}
    - block:
        - ansible.builtin.debug: {msg: '{{ "a\tb" }}{{ lookup("ansible.builtin.template", "same.j2") }}'}
"""


async def test_a_template_is_compiled_once_for_all_devices_and_says_of_each_its_own(lab: Lab, tmp_path: Path) -> None:
    log = tmp_path / "log"
    (tmp_path / "seen.py").write_text(SEEN.replace("LOG", str(log)))
    (tmp_path / "lookup_plugins").mkdir()
    (tmp_path / "lookup_plugins" / "standing.py").write_text(LOOKUP.replace("LOG", str(log)))
    (tmp_path / "same.j2").write_text(r'{{ "a\tb" }}')
    wish = order(lab, tmp_path, GREETING)
    hosts = {name: {"groups": ["openwrt"], "vars": {"tree": tree_}, "key": None, "known_host": ""} for name, tree_ in TREES}
    seen = {"ANSIBLE_JINJA2_EXTENSIONS": "seen.Seen", "PYTHONPATH": str(tmp_path)}

    told = await listened(await start(replace(wish, hosts=hosts, environment=wish.environment | seen)))

    assert told.end == "succeeded", told.raw
    assert [f"{tree_}: {name}, ahorn" in told.texts() for name, tree_ in TREES] == [True] * len(TREES)
    # As JSON shows them: of the playbook's text what is written there, of the file's a tab.
    assert told.texts().count(r"a\\tb" + r"a\tb") == len(TREES)
    done = [text for text in log.read_text().splitlines() if "tree" in text]
    assert done == [GREETING.split('"')[1], "lookup of a tree"]
