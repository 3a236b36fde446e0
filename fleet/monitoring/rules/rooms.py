"""How a room is: as its worst device."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """The states of the pill, best first."""

    OK = "ok"
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"
    WATCH = "watch"
    DOWN = "down"


ORDER = {state: rank for rank, state in enumerate(State)}


@dataclass(frozen=True)
class DeviceState:
    device_id: int
    name: str
    kind: str
    state: State
    since: datetime | None
    room_id: int | None = None


@dataclass(frozen=True)
class RoomState:
    """`devices` worst first; a room without devices is OK. `room_id` None: of no room."""

    room_id: int | None
    number: str
    name: str
    building: str
    floor: int
    teaching: bool
    state: State = State.OK
    devices: Sequence[DeviceState] = field(default=())

    @property
    def slug(self) -> str:
        """As forms and addresses name it."""
        return str(self.room_id or "none")

    @property
    def affected(self) -> int:
        return sum(device.state is State.DOWN for device in self.devices)


def device_state(status: str, *, alerting: bool, maintained: bool = False) -> State:
    """From Health.status and whether a threshold alert is open; being worked on explains either."""
    if maintained:
        return State.MAINTENANCE
    if status == "down":
        return State.DOWN
    if status == "unknown":
        return State.UNKNOWN
    return State.WATCH if alerting else State.OK


def worst(states: Iterable[State]) -> State:
    return max(states, key=ORDER.__getitem__, default=State.OK)


def worst_first(devices: Iterable[DeviceState]) -> list[DeviceState]:
    return sorted(devices, key=lambda device: (-ORDER[device.state], device.name))
