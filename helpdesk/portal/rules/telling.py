"""How a school is, in one sentence; which pictogram means what, and for whom."""

from collections.abc import Iterable
from dataclasses import dataclass

from fleet.monitoring.rules.rooms import RoomState, State


@dataclass(frozen=True)
class Mood:
    """`disturbed`: rooms in which something does not work now; `serviced`: rooms in which maintenance is on."""

    disturbed: int
    known: bool
    """False while nothing has been measured yet."""
    serviced: int = 0

    @property
    def state(self) -> str:
        if self.serviced and not self.disturbed:
            return "maintenance"
        return "down" if self.disturbed else "ok" if self.known else "unknown"


def mood(rooms: Iterable[RoomState]) -> Mood:
    equipped = [room for room in rooms if room.devices]
    disturbed = sum(room.state in {State.DOWN, State.WATCH} for room in equipped)
    serviced = sum(room.state == State.MAINTENANCE for room in equipped)
    return Mood(disturbed=disturbed, known=any(room.state == State.OK for room in equipped), serviced=serviced)


PICTOGRAMS = {
    "wifi": "wifi",
    "internet": "globe-alt",
    "printer": "printer",
    "screen": "tv",
    "device": "device-tablet",
    "other": "question-mark-circle",
}
"""{what is wrong: heroicon}"""
SIMPLE = ("wifi", "printer", "device", "other")


def troubles(*, simple: bool) -> tuple[str, ...]:
    """What can be chosen: kindergartens and readers of plain language get the few that matter there."""
    return SIMPLE if simple else tuple(PICTOGRAMS)


OUTAGES = {
    "access-point": "wifi",
    "wireless-controller": "wifi",
    "switch": "network",
    "router": "network",
    "firewall": "network",
    "printer": "printer",
}


def outage(kind: str) -> str:
    """What people miss when a device of this kind is out of order."""
    return OUTAGES.get(kind, "device")
