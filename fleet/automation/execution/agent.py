"""An ssh-agent of our own: private keys reach OpenSSH through its standard input and memory, never through a file.

ansible-runner has one, too (`ssh_key`): for one key, and through a named pipe under the artifacts. Ours takes any number of
keys, and certificates with them. Which key a device gets is said by its *public* half in a file (`IdentityFile` with
`IdentitiesOnly`, ssh_config(5)).
"""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from fleet.automation.execution.tree import MARK
from fleet.secrets.types import Secret

START_S, ADD_S = 10.0, 10.0
SOCKET_PATH = 100
PATH = "/usr/local/bin:/usr/bin:/bin"


class AgentError(RuntimeError):
    """A key cannot be used: it is not whole, has a passphrase, or ssh-agent is missing. Says nothing of the key."""


class Agent:
    """Context manager around one ssh-agent(1), gone when it is left."""

    def __init__(self, folder: Path, keys: Sequence[Secret]) -> None:
        """`folder` holds the socket while the path is short enough for one (unix(7)), else a directory of its own does."""
        self._folder, self._keys = folder, keys
        self._fits = len(str(folder / "s").encode()) < SOCKET_PATH

    def __enter__(self) -> Self:
        self._home = self._folder if self._fits else Path(tempfile.mkdtemp(prefix="fleetdesk-agent-"))
        self._home.mkdir(mode=0o700, exist_ok=True)
        self.socket = self._home / "s"
        quiet = subprocess.DEVNULL
        kept = {name: os.environ[name] for name in (MARK,) if name in os.environ}
        try:
            # -D: it stays our child, so nothing of a run lives on when that is ended.
            self._process = subprocess.Popen(
                ["ssh-agent", "-D", "-a", str(self.socket)],
                stdin=quiet,
                stdout=quiet,
                stderr=quiet,
                env={"PATH": PATH, **kept},
            )
        except OSError as error:
            raise AgentError(f"ssh-agent cannot be started: {error.strerror}") from error
        try:
            self._wait()
            for key in self._keys:
                self.add(key)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(timeout=START_S)
        shutil.rmtree(self._home, ignore_errors=True)

    def add(self, key: Secret, *, lifetime_s: int | None = None) -> None:
        """Raises AgentError."""
        text = key.reveal()
        life = ["-t", str(lifetime_s)] if lifetime_s else []
        self._ask(["ssh-add", "-q", *life, "-"], text if text.endswith("\n") else text + "\n")

    @property
    def public_keys(self) -> list[str]:
        """`type base64 comment` of each key."""
        return self._ask(["ssh-add", "-L"], "").splitlines()

    def _ask(self, argv: list[str], given: str) -> str:
        environment = {"PATH": PATH, "SSH_AUTH_SOCK": str(self.socket), "SSH_ASKPASS": "/bin/false"}
        environment |= {"SSH_ASKPASS_REQUIRE": "force"}  # a passphrase is asked of nobody
        answer = subprocess.run(
            argv, input=given, capture_output=True, text=True, timeout=ADD_S, check=False, env=environment
        )
        if answer.returncode != 0:
            raise AgentError("A private key cannot be used: it is not whole, or has a passphrase.")
        return answer.stdout

    def _wait(self) -> None:
        """Until it listens, which is a moment after its socket is there: a key that comes in between is turned away."""
        for _ in range(int(START_S / 0.02)):
            if _listens(self.socket):
                return
            try:
                self._process.wait(timeout=0.02)
            except subprocess.TimeoutExpired:
                continue
            raise AgentError("ssh-agent has ended by itself.")
        raise AgentError("ssh-agent does not answer.")


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(str(path))
        except OSError:
            return False
    return True


def public_key(key: Secret) -> str:
    """`ssh-ed25519 AAAA…` of a private key, reckoned by a library in memory. Raises AgentError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_pem_private_key,
        load_ssh_private_key,
    )

    text = key.reveal().strip().encode() + b"\n"
    try:
        read = load_ssh_private_key if b"OPENSSH PRIVATE KEY" in text else load_pem_private_key
        private = read(text, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise AgentError("A private key cannot be used: it is not whole, or has a passphrase.") from error
    return private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
