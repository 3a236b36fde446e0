"""The lab's SSH keys: one host key per device, one key pair with which the fleet logs in. All ed25519, made here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import asyncssh

_DEVICE_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_CLIENT = "client_ed25519"


@dataclass(frozen=True)
class Keys:
    """Reads the keys that ``ensure`` has made. A missing one raises FileNotFoundError."""

    directory: Path

    def client_private_key(self) -> str:
        """The fleet's private key, in OpenSSH's own format."""
        return (self.directory / _CLIENT).read_text()

    def client_public_key(self) -> str:
        """The one line for ``authorized_keys``, without a comment."""
        return _public(self.client_private_key())

    def host_private_key(self, device_key: str) -> str:
        return self._host(device_key).read_text()

    def host_public_key(self, device_key: str) -> str:
        """``ssh-ed25519 AAAA…``: what follows the address in a line of ``known_hosts``."""
        return _public(self.host_private_key(device_key))

    def _host(self, device_key: str) -> Path:
        if not _DEVICE_KEY.match(device_key):
            raise ValueError(f"not a device key: {device_key!r}")
        return self.directory / "hosts" / device_key


def ensure(keys_dir: Path, device_keys: Iterable[str]) -> Keys:
    """Make what is missing and leave what is there; two processes at once end with the same keys."""
    keys = Keys(keys_dir)
    for directory in (keys_dir, keys_dir / "hosts"):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _make(keys_dir / _CLIENT)
    for device_key in device_keys:
        _make(keys._host(device_key))
    return keys


def _make(path: Path) -> None:
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key("openssh"))
    try:
        # A link fails where a rename would replace: the first one to come wins, and its key stays.
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def _public(private: str) -> str:
    line = asyncssh.import_private_key(private).export_public_key("openssh").decode()
    return " ".join(line.split()[:2])
