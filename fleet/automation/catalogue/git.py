"""Fetches one commit of a git repository as texts. Nothing of it is checked out, and nothing of it is ever run here.

git itself is asked, with an environment of its own: no configuration of the machine or the user, no hooks, no prompts, no
helpers, only the protocols that were allowed (`git help config`: protocol.allow, GIT_ALLOW_PROTOCOL), within limits of
time and size. The objects lie in a private directory that is gone afterwards.
"""

import base64
import os
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from django.conf import settings

from fleet.automation.execution.agent import Agent
from fleet.automation.rules.sources import Entry, TreeError, parse_tree, wanted
from fleet.events.addresses import UnsafeAddressError, addresses
from fleet.secrets.redact import Redactor
from fleet.secrets.types import Secret

FETCH_S = 120.0
LARGEST_PACK = 64 << 20
"""Bytes of any file that git may write: what a repository without end can take of the disk."""
LARGEST_ANSWER = 4 << 20
"""Bytes of what one command of git prints: a tree can name more files than a machine can hold."""
_MEMORY = 4 << 20
"""KiB of address space, as `ulimit -v` counts."""
PGP = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
SSH = 22
NOT_THERE = "ssh: connect to host "
"""How ssh begins to say that nobody listens at an address (OpenSSH's `ssh_connect_direct`)."""
_BLOCK = 512
"""What `ulimit -f` counts in (POSIX)."""


class GitError(Exception):
    """`key` names what went wrong; `detail` is git's own words, without secrets."""

    def __init__(self, key: str, detail: str = "") -> None:
        self.key, self.detail = key, detail[-1000:]
        super().__init__(f"{key}: {self.detail}" if detail else key)


@dataclass(frozen=True)
class Wish:
    url: str
    branch: str
    folder: str = "playbooks"
    protocols: tuple[str, ...] = ("https", "ssh")
    username: str = ""
    password: Secret | None = None
    private_key: Secret | None = None
    known_hosts: str = ""
    """For ssh: whose host key is believed, as in known_hosts (sshd(8))."""
    allowed_signers: str = ""
    """Who may sign: lines of ssh-keygen(1)'s ALLOWED SIGNERS, or public keys of OpenPGP. Empty: nobody must."""

    def secrets(self) -> list[Secret]:
        return [secret for secret in (self.password, self.private_key) if secret]


@dataclass(frozen=True)
class Tip:
    """The newest commit of the branch."""

    commit: str
    subject: str
    author: str
    committed_at: datetime
    signed_by: str
    files: dict[str, str] = field(repr=False)
    """{path inside the playbooks' folder: text}"""


def fetch(wish: Wish, *, limit_s: float = FETCH_S) -> Tip:
    """Over the network, so never inside a transaction. Raises GitError."""
    places = _places(wish.url)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fleetdesk-git-")))
        agent = stack.enter_context(Agent(home / "agent", [wish.private_key])) if wish.private_key else None
        ways = (_environment(home, wish, agent, some) for some in _ways(wish.url, places))
        git = _fetched([_Git(home, way, Redactor(wish.secrets()), limit_s) for way in ways], wish, limit_s)
        commit = git.run("rev-parse", "--verify", "refs/heads/tip^{commit}").strip()
        signer = _signer(git, home, commit, wish.allowed_signers) if wish.allowed_signers.strip() else ""
        name, at, subject = git.run("log", "-1", "--no-show-signature", "--format=%an%x00%ct%x00%s", commit).split("\0", 2)
        try:
            entries = wanted(parse_tree(git.run("ls-tree", "-r", "-z", "--long", "--full-tree", commit)), wish.folder)
        except TreeError as error:
            raise GitError(error.key, error.path) from error
        files = {path: _text(git, entry) for entry, path in entries}
        return Tip(commit, subject.strip()[:200], name[:100], datetime.fromtimestamp(int(at), UTC), signer, files)


def _places(url: str) -> list[str]:
    """Where its host is, IPv4 first; none for a folder. git goes there and nowhere else: a name that leads elsewhere a
    moment later leads nowhere. Raises GitError also for this machine, and for its cloud's metadata."""
    host = urlsplit(url).hostname
    if not host:
        return []
    try:
        return addresses(host, allow_loopback=settings.MODE != "production")
    except (OSError, UnicodeError) as error:
        raise GitError("git", f"could not resolve host {host}") from error
    except UnsafeAddressError as error:
        raise GitError("address-home") from error


def _ways(url: str, places: Sequence[str]) -> list[Sequence[str]]:
    """ssh is told one address of its host, curl all of them."""
    return [[place] for place in places] if urlsplit(url).scheme == "ssh" and places else [places]


def _fetched(ways: Sequence["_Git"], wish: Wish, limit_s: float) -> "_Git":
    """The first way on which the host answers; none is begun later than so that all of it ends in time."""
    begun = time.monotonic()
    ways[0].run("init", "--quiet", "--bare", str(ways[0].home / "r.git"), inside=False)
    *others, last = ways
    reference = f"refs/heads/{wish.branch}:refs/heads/tip"
    words = ("fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--", wish.url, reference)
    for way in others:
        try:
            way.run(*words)
        except GitError as error:
            if NOT_THERE not in error.detail or time.monotonic() - begun > limit_s / 2:
                raise
        else:
            return way
    last.run(*words)
    return last


def _text(git: "_Git", entry: Entry) -> str:
    content = git.raw("cat-file", "blob", entry.object)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise GitError("not-text", entry.path) from error
    if "\0" in text:
        raise GitError("not-text", entry.path)
    return text


def _signer(git: "_Git", home: Path, commit: str, allowed: str) -> str:
    """Who has signed the commit; git finds out by itself with which kind of key."""
    options = []
    if allowed.lstrip().startswith(PGP):
        (home / "gnupg").mkdir(mode=0o700)
        git.program("gpg", "--batch", "--quiet", "--import", given=allowed.encode())
    else:
        (home / "signers").write_text(allowed if allowed.endswith("\n") else allowed + "\n")
        options = ["-c", f"gpg.ssh.allowedSignersFile={home / 'signers'}"]
    try:
        git.run("verify-commit", commit, options=options)
    except GitError as error:
        if error.key == "too-slow":
            raise
        raise GitError("signature", error.detail) from error
    return git.run("log", "-1", "--format=%GS", commit, options=options).strip()[:200]


class _Git:
    """git, with nothing around it that could surprise."""

    def __init__(self, home: Path, environment: Mapping[str, str], redactor: Redactor, limit_s: float) -> None:
        self.home, self._environment = home, environment
        self._redactor, self._limit_s = redactor, limit_s

    def run(self, *words: str, options: Sequence[str] = (), inside: bool = True) -> str:
        return self.raw(*words, options=options, inside=inside).decode("utf-8", "surrogateescape")

    def raw(self, *words: str, options: Sequence[str] = (), inside: bool = True) -> bytes:
        place = ["--git-dir", str(self.home / "r.git")] if inside else []
        return self.program("git", *place, *options, *words)

    def program(self, *argv: str, given: bytes = b"") -> bytes:
        """Within the limits; whatever it has started ends with it. Raises GitError."""
        limits = f"ulimit -c 0; ulimit -f {LARGEST_PACK // _BLOCK}; ulimit -v {_MEMORY}"
        limited = ["/bin/sh", "-c", f'{limits}; exec "$@"', "sh", *argv]
        with ExitStack() as stack:
            # Files, because `ulimit -f` ends whoever prints without end before it fills anything.
            out, errors = (stack.enter_context(tempfile.TemporaryFile(dir=self.home)) for _ in range(2))
            ended = self._ended(limited, given, out, errors)
            out.seek(0)
            answer = out.read(LARGEST_ANSWER + 1)
            if len(answer) > LARGEST_ANSWER:
                raise GitError("too-large")
            if ended != 0:
                errors.seek(0)
                said = errors.read(LARGEST_ANSWER).decode("utf-8", "replace")
                raise GitError("git", self._redactor.text(said).strip())
            return answer

    def _ended(self, argv: Sequence[str], given: bytes, out: IO[bytes], errors: IO[bytes]) -> int:
        pipe = subprocess.PIPE
        with subprocess.Popen(
            argv, stdin=pipe, stdout=out, stderr=errors, env=self._environment, cwd=self.home, start_new_session=True
        ) as process:
            try:
                process.communicate(given, timeout=self._limit_s)
            except subprocess.TimeoutExpired as error:
                raise GitError("too-slow") from error
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        return process.returncode


def _environment(home: Path, wish: Wish, agent: Agent | None, places: Sequence[str]) -> dict[str, str]:
    values = {
        "core.hooksPath": os.devnull,
        "core.fsmonitor": "false",
        "credential.helper": "",
        "fetch.fsckObjects": "true",
        "http.followRedirects": "false",
        "protocol.allow": "never",
        "submodule.recurse": "false",
        **{f"protocol.{name}.allow": "always" for name in wish.protocols},
    }
    if places and wish.url.startswith(("https:", "http:")):
        values["http.curloptResolve"] = _resolved(wish.url, places)
    if wish.password and wish.url.startswith("https:"):
        pair = base64.b64encode(f"{wish.username}:{wish.password.reveal()}".encode()).decode()
        values["http.extraHeader"] = f"Authorization: Basic {pair}"  # in the environment, not in arguments all can see
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "HOME": str(home),
        "GNUPGHOME": str(home / "gnupg"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "SSH_ASKPASS": "/bin/false",
        "GIT_ALLOW_PROTOCOL": ":".join(wish.protocols),
        "GIT_SSH_COMMAND": _ssh(home, wish, agent, places),
        **({"SSH_AUTH_SOCK": str(agent.socket)} if agent else {}),
        **_as_environment(values),
    }


def _resolved(url: str, places: Sequence[str]) -> str:
    """CURLOPT_RESOLVE(3), for any name: however libcurl writes this one."""
    port = urlsplit(url).port or (443 if url.startswith("https:") else 80)
    return f"*:{port}:{','.join(f'[{one}]' if ':' in one else one for one in places)}"


def _ssh(home: Path, wish: Wish, agent: Agent | None, places: Sequence[str]) -> str:
    """For a shell, as git wants it. The host's key is looked up under its name, as if that had been asked for."""
    known = home / "known_hosts"
    known.write_text(wish.known_hosts if wish.known_hosts.endswith("\n") else wish.known_hosts + "\n")
    way_in = "" if agent else " -o IdentityFile=none -o IdentityAgent=none"
    parts = urlsplit(wish.url)
    name = f"[{parts.hostname}]:{parts.port}" if parts.port not in {None, SSH} else f"{parts.hostname}"
    place = f" -o HostName={places[0]} -o {shlex.quote(f'HostKeyAlias={name}')}" if places else ""
    return (
        f"ssh -F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile={known} "
        f"-o GlobalKnownHostsFile=/dev/null -o ConnectTimeout=10 -o ForwardAgent=no{way_in}{place}"
    )


def _as_environment(values: Mapping[str, str]) -> dict[str, str]:
    """GIT_CONFIG_COUNT and its pairs (git(1)): configuration that stands in no file."""
    pairs = {"GIT_CONFIG_COUNT": str(len(values))}
    for number, (key, value) in enumerate(values.items()):
        pairs |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return pairs
