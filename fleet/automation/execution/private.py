"""The private directory of one attempt: 0700, made fresh, files 0600, gone at the end."""

import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import yaml

from fleet.automation.execution.order import RunOrder

SOCKET_PATH = 108
EVENTS = "events.jsonl"
"""Redacted events, one a line: what a later look at a lost run can rely on."""


class _Unsafe(str):
    """Text that Ansible must never look for templates in."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, _data: Any) -> bool:
        return True


_Dumper.add_representer(_Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"'))


def unsafe(value: Any) -> Any:
    """The same structure with every text marked `!unsafe`: `{{ lookup('pipe', …) }}` stays what it is."""
    if isinstance(value, str):
        return _Unsafe(value)
    if isinstance(value, dict):
        return {str(key): unsafe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [unsafe(item) for item in value]
    return value


def to_yaml(value: Any) -> str:
    return yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=True, width=10**9)


class ForeignDirectoryError(PermissionError):
    """The directory of all runs is not ours alone: whoever owns it could read or change what a run needs in clear."""


def _ours_alone(folder: Path) -> None:
    """Its name in a place where everybody may write can be guessed, so somebody else may have made it first."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise ForeignDirectoryError(f"{folder} must be a directory of this user, and no link")
    folder.chmod(0o700)


def build(order: RunOrder) -> None:
    """Write everything that ansible-runner reads; raises FileExistsError when the directory is there already."""
    root = order.path
    root.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _ours_alone(root.parent)
    root.mkdir(mode=0o700)
    for name in ("env", "inventory", "keys", "cp", "home"):
        (root / name).mkdir(mode=0o700)
    for name, key in order.keys.items():
        _write(root / "keys" / name, key if key.endswith("\n") else key + "\n")
    _write(root / "known_hosts", "".join(f"{host['known_host']}\n" for host in order.hosts.values() if host["known_host"]))
    _write(root / "inventory" / "hosts.yml", to_yaml(_inventory(order)))
    shutil.copytree(order.group_vars, root / "inventory" / "group_vars")
    _write(root / "env" / "extravars", to_yaml(unsafe(order.arguments)))
    _write(root / "env" / "envvars", json.dumps(_environment(order)))
    _write(root / "env" / "settings", json.dumps({"pexpect_timeout": 1}))


def _inventory(order: RunOrder) -> dict[str, Any]:
    groups: dict[str, Any] = {}
    for name, host in order.hosts.items():
        variables = unsafe(host["vars"])
        if host["key"]:
            variables["ansible_ssh_private_key_file"] = str(order.path / "keys" / host["key"])
        for group in host["groups"]:
            groups.setdefault(group, {"hosts": {}})["hosts"][name] = variables
    return {"all": {"children": groups}}


def _environment(order: RunOrder) -> dict[str, str]:
    root = order.path
    sharing = "-o ControlMaster=auto -o ControlPersist=30s" if _has_room_for_sockets(root / "cp") else "-o ControlMaster=no"
    ssh = (
        f"-F /dev/null -o UserKnownHostsFile={root}/known_hosts -o GlobalKnownHostsFile=/dev/null "
        "-o StrictHostKeyChecking=yes -o IdentitiesOnly=yes -o ServerAliveInterval=5 -o ServerAliveCountMax=2 "
        f"-o ConnectTimeout=3 {sharing}"
    )
    return {
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_SSH_ARGS": ssh,
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(root / "cp"),
        "ANSIBLE_HOME": str(root / "home"),
        "ANSIBLE_LOCAL_TEMP": str(root / "home" / "tmp"),
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        **order.environment,
    }


def _has_room_for_sockets(folder: Path) -> bool:
    """A socket's path has 108 bytes (unix(7)); Ansible names it with 10, ssh adds 17 while it makes it."""
    return len(str(folder).encode()) + len("/") + 10 + 17 < SOCKET_PATH


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def forget_secrets(root: Path) -> None:
    """Leave only the redacted events, for whoever finds out what a lost run had done."""
    for entry in root.iterdir() if root.is_dir() else ():
        if entry.name == EVENTS:
            continue
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


def remove(root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)


def events(root: Path) -> list[dict[str, Any]]:
    """The events that are there, whole lines only: the last one may be cut off."""
    try:
        lines = (root / EVENTS).read_text().splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return found
