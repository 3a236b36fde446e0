"""A room is as its worst device."""

import pytest

from fleet.monitoring.rules.rooms import State, device_state, worst


@pytest.mark.parametrize(
    ("status", "alerting", "state"),
    [
        ("up", False, State.OK),
        ("up", True, State.WATCH),
        ("down", True, State.DOWN),
        ("down", False, State.DOWN),
        ("unknown", False, State.UNKNOWN),
    ],
)
def test_device_state(status: str, alerting: bool, state: State) -> None:
    assert device_state(status, alerting=alerting) is state


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], State.OK),
        ([State.OK, State.UNKNOWN], State.UNKNOWN),
        ([State.WATCH, State.UNKNOWN], State.WATCH),
        ([State.OK, State.DOWN, State.WATCH], State.DOWN),
        ([State.MAINTENANCE, State.OK], State.MAINTENANCE),
    ],
)
def test_worst(states: list[State], expected: State) -> None:
    assert worst(states) is expected
