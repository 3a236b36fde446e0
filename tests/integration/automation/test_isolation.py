"""What a run may see and leave behind: no key on disk, no way around its time, a full disk said, a sandbox of its own."""

import asyncio
import base64
import json
import os
import shutil
import stat
import subprocess
import sys
import urllib.parse
from dataclasses import replace
from pathlib import Path

import pytest

from config.env import BASE_DIR
from fleet.automation.execution import tree
from fleet.automation.execution.order import DISK_FULL, RunOrder
from fleet.secrets.redact import Redactor
from tests.integration.automation.test_child import SECRET, lab, left, listened, order, sleeping, start, until
from tests.integration.lab_ssh.conftest import Lab

__all__ = ["lab"]

LOCAL = """      delegate_to: localhost
      connection: local
      vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
"""
HEAD = "- hosts: all\n  gather_facts: false\n  tasks:\n"
WAITS = f"{HEAD}    - ansible.builtin.raw: cat /proc/uptime\n    - ansible.builtin.command: sleep 30\n{LOCAL}"
KEEPS = f"""{HEAD}    - ansible.builtin.set_fact: {{kept: "{{{{ psk }}}}", cacheable: true}}
    - ansible.builtin.debug: {{msg: "{{{{ 'known still' if ansible_facts.kept == psk else '' }}}}"}}
    - ansible.builtin.command: sleep 30
{LOCAL}"""
STUBBORN = f"{HEAD}    - ansible.builtin.command: setsid sh -c 'trap \"\" INT TERM HUP; sleep 300'\n{LOCAL}"
LOUD = f"""{HEAD}    - ansible.builtin.debug:
        msg: ["{{{{ psk }}}}", "{{{{ psk | b64encode }}}}", "{{{{ psk | urlencode }}}}"]
    - ansible.builtin.debug: {{msg: "{{{{ ('user:' ~ psk ~ ' and more') | b64encode }}}}"}}
    - ansible.builtin.debug: {{msg: "{{{{ psk | to_json | to_json }}}} {{{{ psk | quote }}}}"}}
    - ansible.builtin.command: {{argv: [printf, "%s", "{{{{ psk }}}}"]}}
{LOCAL}    - ansible.builtin.fail: {{msg: "{{{{ psk }}}} is wrong"}}
"""
HEAVY = f"{HEAD}    - ansible.builtin.command: sh -c 'head -c 4M /dev/zero > \"$ANSIBLE_HOME/fill\"; sleep 30'\n{LOCAL}"
LOOKS = f"""{HEAD}    - ansible.builtin.command: ls -d /root /home/ {BASE_DIR}/var {{{{ others }}}}
      ignore_errors: true
{LOCAL}    - ansible.builtin.raw: cat /proc/uptime
"""


def texts(root: Path) -> str:
    """Whatever lies in files there, by name and content; pipes and links are none."""
    plain = [path for path in root.rglob("*") if stat.S_ISREG(path.lstat().st_mode)]
    return "\n".join(f"{path}\n{path.read_bytes().decode('latin-1')}" for path in plain)


def key_lines(order: RunOrder) -> list[str]:
    return [line for key in order.keys.values() for line in key.splitlines() if len(line) > 30 and "-" not in line]


async def test_neither_keys_nor_passwords_nor_secret_arguments_lie_in_any_file(lab: Lab, tmp_path: Path) -> None:
    wish = order(lab, tmp_path, WAITS, vault_passwords={"city": "vault-4711-geheim"})
    wish.hosts["device-1"]["vars"]["ansible_password"] = "password-4711-geheim"
    child = await start(wish, "6:scan")
    root = tmp_path / "private"
    await until(lambda: sleeping("6:scan"))

    written = texts(root)
    modes = {
        path.name: stat.S_IMODE(path.lstat().st_mode)
        for path in [root, root / "keys", root / "env", root / "keys/client.pub"]
    }
    pipes = [path for path in root.rglob("*") if stat.S_ISFIFO(path.lstat().st_mode)]
    assert child.stdin is not None
    child.stdin.close()
    told = await listened(child)

    assert any(event.get("event") == "runner_on_ok" for event in told.events), "the key was good for a login"
    assert [
        word for word in [SECRET, "password-4711-geheim", "vault-4711-geheim", *key_lines(wish)] if word in written
    ] == []
    assert modes == {"private": 0o700, "keys": 0o700, "env": 0o700, "client.pub": 0o600}
    assert pipes == [], "what was handed over can be read no more"


async def test_facts_that_a_playbook_keeps_lie_in_no_file(lab: Lab, tmp_path: Path) -> None:
    child = await start(order(lab, tmp_path, KEEPS), "6:facts")
    await until(lambda: sleeping("6:facts"))

    written = texts(tmp_path / "private")
    assert child.stdin is not None
    child.stdin.close()
    told = await listened(child)

    assert SECRET not in written
    assert "known still" in told.texts(), "later tasks know it"


async def test_what_does_not_stop_when_asked_is_killed_with_all_its_children(lab: Lab, tmp_path: Path) -> None:
    told = await listened(await start(order(lab, tmp_path, STUBBORN, timeout_s=2, grace_s=1), "7:stubborn"))

    assert told.end == "timed-out"
    assert tree.marked("7:stubborn") == []


async def test_a_loud_playbook_shows_no_known_secret_in_any_spelling(lab: Lab, tmp_path: Path) -> None:
    secret = 'p/ä"4711 <geheim>&x'
    told = await listened(await start(order(lab, tmp_path, LOUD, arguments={"psk": secret}, secrets=[secret])))

    assert told.end == "failed"
    kept = (tmp_path / "private" / "events.jsonl").read_text()
    inner = base64.b64encode(f"user:{secret} and more".encode()).decode()[8:24]
    forms = [secret, base64.b64encode(secret.encode()).decode(), inner, urllib.parse.quote(secret), json.dumps(secret)[1:-1]]
    for text in (told.raw, kept):
        assert [form for form in forms if form in text or json.dumps(form)[1:-1] in text] == []
        assert text.count("***") > 5, text


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
def test_base64_is_known_wherever_the_secret_stands_in_it(before: str) -> None:
    coded = base64.b64encode(f"{before}geheim-4711{before}".encode()).decode()

    shown = Redactor(["geheim-4711"]).text(coded)

    assert "***" in shown
    assert len(shown) < len(coded) / 2 + 8
    assert Redactor(["geheim-4711"]).text(b"geheim-4711".hex()) == "***"


@pytest.mark.skipif(
    subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode != 0,
    reason="needs user namespaces",
)
async def test_a_full_disk_ends_the_run_with_a_sentence(lab: Lab, tmp_path: Path) -> None:
    wish = replace(order(lab, tmp_path, HEAVY), private_dir=str(tmp_path / "small" / "private"))
    (tmp_path / "small").mkdir(mode=0o700)
    script = f'mount -t tmpfs -o size=2m,mode=700 none {tmp_path}/small && exec "$0" -m fleet.automation.execution'
    environment = {
        tree.MARK: "8:full",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(BASE_DIR),
        "HOME": "/x",
    }
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        *("unshare", "-rm", "sh", "-c", script, sys.executable),
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        env=environment,
        cwd=BASE_DIR,
    )
    assert child.stdin is not None
    child.stdin.write((json.dumps(wish.as_dict()) + "\n").encode())
    await child.stdin.drain()

    told = await listened(child)

    assert told.end == "failed"
    assert told.events[-1]["problem"] == DISK_FULL, told.raw
    assert tree.marked("8:full") == []


@pytest.mark.skipif(not shutil.which("bwrap"), reason="needs bubblewrap")
async def test_in_a_sandbox_a_playbook_sees_its_own_directory_and_works(lab: Lab, tmp_path: Path) -> None:
    other = tmp_path / "run-of-another"
    other.mkdir()
    (other / "secret").touch()
    readable = (str(BASE_DIR / "ansible.cfg"), str(BASE_DIR / "playbooks" / "collections"))
    wish = order(lab, tmp_path, LOOKS, sandbox="bwrap", readable=readable, arguments={"others": str(other)})

    told = await listened(await start(wish, "9:sandbox"))

    assert told.end == "succeeded", told.raw
    assert str(other) not in [
        line for event in told.events for line in event.get("text", "").splitlines() if "cannot" not in line
    ]
    assert any(event.get("event") == "runner_on_ok" and event["host"] for event in told.events)
    assert left(tmp_path) == ["events.jsonl"]


async def test_a_vault_is_opened_and_its_password_shown_nowhere(lab: Lab, tmp_path: Path) -> None:
    word = "vault-4711-geheim"
    (tmp_path / "password").write_text(word)
    argv = [
        str(Path(sys.executable).parent / "ansible-vault"),
        "encrypt_string",
        "--vault-id",
        f"vault7@{tmp_path}/password",
        "inner",
    ]
    sealed = (await asyncio.to_thread(subprocess.run, argv, capture_output=True, text=True, check=True)).stdout
    indented = sealed.replace("\n", "\n      ")
    task = "    - ansible.builtin.debug: {msg: 'it says {{ opened }}, not {{ ansible_become_password }}'}\n"
    head = HEAD.replace("  tasks:\n", "")
    playbook = f"{head}  vars:\n    opened: {indented}\n  tasks:\n{task}"
    wish = order(lab, tmp_path, playbook, vault_passwords={"vault7": word}, secrets=[word, "enable-4711"])
    wish.hosts["device-1"]["vars"]["ansible_become_password"] = "enable-4711"

    told = await listened(await start(wish))

    assert told.end == "succeeded", told.raw
    assert "it says inner, not ***" in told.raw
    assert word not in told.raw
