"""The private directory of one attempt: 0700, made fresh, files 0600, gone at the end."""

import json
import os
import shlex
import shutil
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from fleet.automation.execution.agent import public_key
from fleet.automation.execution.order import RunOrder
from fleet.secrets.types import Secret

CALLBACK = Path(__file__).parent / "callback"
"""Where ansible-runner finds its display (AWX_LIB_DIRECTORY)."""
SOCKET_PATH = 108
LEAST_ROOM = 128 << 10
"""Bytes."""
EVENTS = "events.jsonl"
"""Redacted events, one a line: what a later look at a lost run can rely on."""


class Unsafe(dict[str, Any]):
    """Variables in whose texts Ansible must never look for templates.

    The mapping as a whole is marked, not each text: what is inside of an `!unsafe` mapping stays what its quotes say, while
    a scalar marked by itself is resolved anew, so that the Wi-Fi key "00012345" would become the number 5349.
    """


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, _data: Any) -> bool:
        return True


class _QuickDumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # there where PyYAML has libyaml
    def ignore_aliases(self, _data: Any) -> bool:
        return True


for _kind in (_Dumper, _QuickDumper):
    _kind.add_representer(Unsafe, lambda dumper, value: dumper.represent_mapping("!unsafe", dict(value)))


def unsafe(value: Mapping[str, Any]) -> Unsafe:
    """The same variables, marked `!unsafe`: `{{ lookup('pipe', …) }}` stays what it is."""
    return Unsafe(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def to_yaml(value: Any) -> str:
    try:
        return _dumped(value, _QuickDumper)
    except UnicodeEncodeError:  # libyaml takes no half characters (UTF-16 surrogates)
        return _dumped(value, _Dumper)


def _dumped(value: Any, dumper: type) -> str:
    return str(yaml.dump(value, Dumper=dumper, allow_unicode=True, sort_keys=True, width=10**9))


class ForeignDirectoryError(PermissionError):
    """The directory of all runs is not ours alone: whoever owns it could read or change what a run needs in clear."""


def _ours_alone(folder: Path) -> None:
    """Its name in a place where everybody may write can be guessed, so somebody else may have made it first."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise ForeignDirectoryError(f"{folder} must be a directory of this user, and no link")
    folder.chmod(0o700)


def build(order: RunOrder) -> None:
    """Write everything that ansible-runner reads; raises FileExistsError when the directory is there already.

    What is secret is not: it goes through pipes (`handover`), and of a private key only the public half lies here.
    """
    root = order.path
    root.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _ours_alone(root.parent)
    root.mkdir(mode=0o700)
    for name in ("env", "inventory", "keys", "cp", "home", "project", "sandbox"):
        (root / name).mkdir(mode=0o700)
    for name, key in order.keys.items():
        _write(root / "keys" / f"{name}.pub", public_key(Secret(key)) + "\n")
    for name, certificate in order.certificates.items():
        _write(root / "keys" / f"{name}-cert.pub", certificate + "\n")
    _write(root / "known_hosts", "".join(f"{host['known_host']}\n" for host in order.hosts.values() if host["known_host"]))
    shutil.copytree(order.group_vars, root / "inventory" / "group_vars")
    _write(root / "env" / "settings", json.dumps({"pexpect_timeout": 1, **_sandbox(order)}))


def tell_environment(order: RunOrder, agent: Path | None) -> None:
    """`agent`: the socket of the ssh-agent that has the keys."""
    environment = _environment(order) | ({"SSH_AUTH_SOCK": str(agent)} if agent else {})
    _write(order.path / "env" / "envvars", json.dumps(environment))


def options(order: RunOrder) -> str:
    """Of ansible-playbook. Arguments are named here: ansible-runner itself only looks for a regular file of them."""
    check = ["--check"] if order.check else []
    return shlex.join(["--diff", *check, "-e", f"@{order.path / 'env' / 'extravars'}"])


def given(order: RunOrder) -> dict[Path, str]:
    """What may hold secrets, and where Ansible looks for it: passwords of devices, secret arguments, vault passwords."""
    texts = {"inventory/hosts.yml": to_yaml(_inventory(order)), "env/extravars": to_yaml(unsafe(order.arguments))}
    texts |= {f"keys/vault-{name}": f"{word}\n" for name, word in order.vault_passwords.items()}
    return {order.path / name: text for name, text in texts.items()}


def _sandbox(order: RunOrder) -> dict[str, Any]:
    """ansible-runner's own settings for bubblewrap. Other runs' directories are hidden; the programs can be read."""
    if not order.sandbox:
        return {}
    programs = [sys.prefix, sys.base_prefix, str(CALLBACK), str(Path(order.playbook).parent), *order.readable]
    return {
        "process_isolation": True,
        "process_isolation_executable": order.sandbox,
        "process_isolation_path": str(order.path / "sandbox"),
        "process_isolation_hide_paths": [str(order.path.parent)],
        "process_isolation_ro_paths": [path for path in programs if not path.startswith(("/usr/", "/bin/"))],
    }


def _inventory(order: RunOrder) -> dict[str, Any]:
    groups: dict[str, Any] = {}
    for name, host in order.hosts.items():
        variables = unsafe(host["vars"])
        if host["key"]:
            # Only its public half is there: the private one is asked for by it, of the agent (ssh_config(5), IdentityFile).
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
        "ANSIBLE_CACHE_PLUGIN": "memory",
        "AWX_LIB_DIRECTORY": str(CALLBACK),
        **({"ANSIBLE_VAULT_IDENTITY_LIST": _vaults(order)} if order.vault_passwords else {}),
        **order.environment,
    }


def _vaults(order: RunOrder) -> str:
    return ",".join(f"{name}@{order.path}/keys/vault-{name}" for name in order.vault_passwords)


def _has_room_for_sockets(folder: Path) -> bool:
    """A socket's path has 108 bytes (unix(7)); Ansible names it with 10, ssh adds 17 while it makes it."""
    return len(str(folder).encode()) + len("/") + 10 + 17 < SOCKET_PATH


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def is_full(root: Path) -> bool:
    """Whether what Ansible writes there would be cut off; it does not say so itself."""
    try:
        found = os.statvfs(root)
    except OSError:
        return False
    return found.f_blocks > 0 and found.f_bavail * found.f_frsize < LEAST_ROOM


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
