"""What asking a device once has brought."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Measurement:
    """`reading` has the shape of `manage.py probe --json`; None: no answer, and `reason` says why."""

    device_id: int
    measured_at: datetime
    reading: dict[str, Any] | None
    reason: str = ""
    """A Health.Reason value: timeout, auth, unreachable, protocol, busy."""
