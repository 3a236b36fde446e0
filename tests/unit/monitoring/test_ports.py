"""What a port's reading means, and the way up."""

import pytest

from fleet.monitoring.rules import ports
from fleet.monitoring.rules.ports import Port, Show


@pytest.mark.parametrize(
    ("port", "state", "problem"),
    [
        (Port("up", "up"), "ok", False),
        (Port("up", "up", errors_per_s=0.05), "ok", False),
        (Port("up", "up", errors_per_s=3), "watch", True),
        (Port("up", "up", poe="fault"), "watch", True),
        (Port("down", "up"), "unknown", False),  # nothing is plugged in
        (Port("down", "up", named=True), "down", True),
        (Port("down", "up", hangs=True), "down", True),
        (Port("down", "down", named=True, hangs=True), "unknown", False),  # switched off on purpose
        (Port(None, None), "unknown", False),
    ],
)
def test_state_and_problem(port: Port, state: str, problem: bool) -> None:
    assert (ports.state(port), ports.problem(port)) == (state, problem)
    assert ports.shown(port, Show.ALL)
    assert ports.shown(port, Show.UP) == (port.oper == "up")
    assert ports.shown(port, Show.PROBLEMS) == problem


@pytest.mark.parametrize(
    ("parents", "expected"),
    [
        ({}, []),
        ({3: [2], 2: [1]}, [[2], [1]]),
        ({3: [1, 2], 1: [9], 2: [9]}, [[1, 2], [9]]),
        ({3: [2], 2: [3]}, [[2]]),  # a circle
    ],
)
def test_the_way_up(parents: dict[int, list[int]], expected: list[list[int]]) -> None:
    assert ports.above(3, parents) == expected
