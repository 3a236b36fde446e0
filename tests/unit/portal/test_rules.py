"""How a school is in one sentence, and what people miss."""

import pytest

from fleet.devices.models import DeviceType
from fleet.monitoring.rules.rooms import DeviceState, RoomState, State
from helpdesk.portal import rules, words


def room(state: State, *, equipped: bool = True) -> RoomState:
    devices = (DeviceState(1, "AP", "access-point", state, None),) if equipped else ()
    return RoomState(1, "204", "", "Haus", 2, teaching=True, state=state, devices=devices)


@pytest.mark.parametrize(
    ("rooms", "disturbed", "state"),
    [
        ([], 0, "unknown"),
        ([room(State.OK, equipped=False)], 0, "unknown"),  # an empty room says nothing
        ([room(State.UNKNOWN)], 0, "unknown"),
        ([room(State.OK), room(State.UNKNOWN)], 0, "ok"),
        ([room(State.OK), room(State.WATCH)], 1, "down"),
        ([room(State.DOWN), room(State.DOWN), room(State.OK)], 2, "down"),
        ([room(State.MAINTENANCE), room(State.OK)], 0, "maintenance"),
    ],
)
def test_the_mood_of_a_school(rooms: list[RoomState], disturbed: int, state: str) -> None:
    mood = rules.mood(rooms)

    assert (mood.disturbed, mood.state) == (disturbed, state)


def test_every_trouble_has_words_and_a_pictogram() -> None:
    assert set(rules.PICTOGRAMS) == set(words.TROUBLES)
    assert set(rules.troubles(simple=True)) < set(rules.troubles(simple=False))


@pytest.mark.parametrize("kind", DeviceType.Kind.values)
def test_every_kind_of_device_is_missed_as_something(kind: str) -> None:
    assert rules.outage(kind) in words._OUTAGES
