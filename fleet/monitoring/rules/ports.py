"""What a port's reading means: whether it carries something, and whether something is wrong with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

MOST_IF_INDEX = 2**31 - 1


def names_a_port(if_index: int) -> bool:
    """InterfaceIndex of IF-MIB (RFC 2863); anything else that a device sends for one names no port."""
    return 0 < if_index <= MOST_IF_INDEX


class Show(StrEnum):
    """Which ports are looked at."""

    ALL = "all"
    UP = "up"
    PROBLEMS = "problems"


@dataclass(frozen=True)
class Port:
    """`hangs`: something of ours is plugged in there. `errors_per_s`: lately; None where it is not known."""

    oper: str | None
    admin: str | None
    named: bool = False
    hangs: bool = False
    errors_per_s: float | None = None
    poe: str | None = None


ERRORS_PER_S = 0.1
POE_TROUBLE = frozenset({"fault", "otherFault"})
"""pethPsePortDetectionStatus (RFC 3621 §4)."""


def state(port: Port) -> str:
    """The pill's token. Silent though it is switched on and meant to carry something: down; merely empty: unknown."""
    if port.oper == "up":
        return "watch" if troubled(port) else "ok"
    if port.oper == "down" and port.admin == "up" and (port.named or port.hangs):
        return "down"
    return "unknown"


def troubled(port: Port) -> bool:
    """Frames come damaged, or the device at its end is not fed."""
    return (port.errors_per_s or 0) > ERRORS_PER_S or port.poe in POE_TROUBLE


def problem(port: Port) -> bool:
    return state(port) == "down" or troubled(port)


def shown(port: Port, show: Show) -> bool:
    return {Show.ALL: True, Show.UP: port.oper == "up", Show.PROBLEMS: problem(port)}[show]


def above(device: int, parents: Mapping[int, Iterable[int]]) -> list[list[int]]:
    """The way up, nearest first, one list for each level: [[switch], [gateway]]. Nobody twice, however cables run."""
    seen, levels = {device}, []
    edge = [device]
    while edge := sorted({up for one in edge for up in parents.get(one, ())} - seen):
        seen.update(edge)
        levels.append(edge)
    return levels
