"""How a school is, in one sentence; which pictogram means what, and for whom."""

from collections.abc import Iterable
from dataclasses import dataclass

from fleet.monitoring.rules.rooms import RoomState, State

DISTURBED = frozenset({State.DOWN, State.WATCH})


@dataclass(frozen=True)
class Mood:
    """`disturbed`: rooms in which something does not work now; `serviced`: rooms in which maintenance is on. With `loose`:
    devices without a room."""

    disturbed: int
    known: bool
    """False while nothing has been measured yet."""
    serviced: int = 0
    loose_disturbed: int = 0
    loose_serviced: int = 0

    @property
    def state(self) -> str:
        if self.disturbed or self.loose_disturbed:
            return "down"
        if self.serviced or self.loose_serviced:
            return "maintenance"
        return "ok" if self.known else "unknown"


def mood(rooms: Iterable[RoomState]) -> Mood:
    equipped = [room for room in rooms if room.devices]
    states = [room.state for room in equipped if room.room_id is not None]
    loose = [device.state for room in equipped if room.room_id is None for device in room.devices]
    return Mood(
        disturbed=sum(map(DISTURBED.__contains__, states)),
        known=any(room.state == State.OK for room in equipped),
        serviced=states.count(State.MAINTENANCE),
        loose_disturbed=sum(map(DISTURBED.__contains__, loose)),
        loose_serviced=loose.count(State.MAINTENANCE),
    )


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
