"""What the worker tells the child: everything a run needs, in one line of JSON on standard input."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

CANCEL, BEAT = "cancel", "beat"
"""What the worker may say afterwards, a line each."""
DISK_FULL, NO_KEY = "disk-full", "no-key"
"""Why the child says that it could not play: no room left for its files, or a private key that cannot be used."""


@dataclass(frozen=True)
class RunOrder:
    private_dir: str
    """Fresh for every attempt; a directory that is already there is refused."""
    playbook: str
    group_vars: str
    hosts: dict[str, dict[str, Any]]
    """{host name: {groups: [...], vars: {...}, key: name of the private key | None, known_host: "host keytype key" | ""}}"""
    keys: dict[str, str]
    """{name: private key in clear}"""
    arguments: dict[str, Any]
    secrets: list[str]
    """Clear texts that must not be seen in any event."""
    check: bool
    timeout_s: int
    forks: int
    lease_s: float = 600.0
    """Without a beat for so long, the child takes its worker for gone and ends everything."""
    grace_s: float = 10.0
    """So long after its time limit a playbook may take to stop by itself."""
    environment: dict[str, str] = field(default_factory=dict)
    certificates: dict[str, str] = field(default_factory=dict)
    """{name of a key: its OpenSSH certificate}"""
    vault_passwords: dict[str, str] = field(default_factory=dict)
    """{vault id: password in clear}, for texts that a playbook keeps under Ansible's own vault."""
    sandbox: str = ""
    """`bwrap`: inside of bubblewrap; empty: not."""
    readable: tuple[str, ...] = ()
    """What a sandbox shows of this machine besides, to be read only."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def path(self) -> Path:
        return Path(self.private_dir)
