"""What a controller's word about its access points means. Its list is evidence only while the controller itself answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from fleet.devices.rules import AddressError
from fleet.devices.rules import mac as normal_mac
from fleet.monitoring.rules import polling
from fleet.monitoring.rules.polling import Availability

NOT_CONNECTED = "controller"
"""Health.Reason.CONTROLLER."""
NAME_MOST = 100


@dataclass(frozen=True)
class Listed:
    """An access point as its controller lists it; `mac` in our spelling, or empty. `connected` None: it does not say."""

    name: str
    mac: str = ""
    serial: str = ""
    model: str = ""
    connected: bool | None = None
    clients: int | None = None

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self | None:
        """From an element of a reading's `wireless.access_points`; None if nothing in it tells which one it is."""
        mac = _mac(said.get("mac"))
        name = said.get("name") or mac or said.get("serial")
        if not name:
            return None
        return cls(
            name[:NAME_MOST],
            mac,
            (said.get("serial") or "")[:NAME_MOST],
            (said.get("model") or "")[:NAME_MOST],
            {"up": True, "down": False}.get(said.get("status") or ""),
            said.get("clients"),
        )


def _mac(said: str | None) -> str:
    try:
        return normal_mac(said) if said else ""
    except AddressError:
        return ""


def availability(before: Availability, listed: Listed | None, now: datetime) -> Availability:
    """After one list. Who is no longer in it is not connected; who is in it without a state stays as it was."""
    if listed is not None and listed.connected is None:
        return before
    if listed is not None and listed.connected:
        return polling.answered(before, now)
    return polling.failed(before, NOT_CONNECTED, now)
