"""Rows of the table: our figure, the peer's, and whether the goal is met."""

import json
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from config.env import BASE_DIR

TURNS = 3


@dataclass(frozen=True)
class Row:
    """`ratio` above 1: we are the quicker ones."""

    name: str
    ours: float
    peer: float
    ratio: float
    goal: float
    met: bool
    unit: str
    against: str


def row(name: str, ours: float, peer: float, goal: float, against: str) -> Row:
    """Both sides in seconds; `against` says what the peer is."""
    ratio = peer / ours
    return Row(name, round(ours, 4), round(peer, 4), round(ratio, 2), goal, ratio >= goal, "s", against)


def best(*sides: Callable[[], float]) -> list[float]:
    """The best of TURNS of each side, the sides taking turns."""
    times = [[side() for side in sides] for _ in range(TURNS)]
    return [min(column) for column in zip(*times, strict=True)]


def timed(act: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def show(rows: Sequence[Row]) -> None:
    """As a table, and in build/bench.json."""
    print(f"{'name':<22}{'ours':>12}{'peer':>12}{'ratio':>8}{'goal':>7}  met  unit, against")
    for one in rows:
        figures = f"{one.name:<22}{one.ours:>12.6g}{one.peer:>12.6g}{one.ratio:>8.2f}{one.goal:>7.2f}"
        print(f"{figures}  {'yes' if one.met else 'NO':<4} {one.unit}, {one.against}")
    target = BASE_DIR / "build" / "bench.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps([asdict(one) for one in rows], indent=2) + "\n")
