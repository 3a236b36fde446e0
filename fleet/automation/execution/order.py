"""What the worker tells the child: everything a run needs, in one line of JSON on standard input."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

CANCEL, BEAT = "cancel", "beat"
"""What the worker may say afterwards, a line each."""


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
    environment: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def path(self) -> Path:
        return Path(self.private_dir)
