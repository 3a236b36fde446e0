"""How a school is in one sentence, and what people miss."""

import pytest
from django.utils import translation

from fleet.devices.models import DeviceType
from fleet.monitoring.rules.rooms import DeviceState, RoomState, State, worst
from helpdesk.portal import plain, rules, words


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


def loose(*states: State) -> RoomState:
    devices = tuple(DeviceState(pk, "AP", "access-point", state, None) for pk, state in enumerate(states))
    return RoomState(None, "Ohne Raum", "", "", 0, teaching=False, state=worst(states), devices=devices)


@pytest.mark.parametrize(
    ("rooms", "state", "sentence", "simple"),
    [
        (
            [loose(State.DOWN, State.OK)],
            "down",
            "Ein Gerät ohne Raum ist gestört, wir sind dran.",
            "1 Gerät ohne Raum hat eine",
        ),
        ([loose(State.DOWN, State.WATCH)], "down", "2 Geräte ohne Raum sind gestört, wir", "2 Geräte ohne Raum haben eine"),
        ([room(State.WATCH), loose(State.DOWN)], "down", "In 1 Raum gibt es eine Störung", "1 Raum hat eine Störung."),
        (
            [room(State.MAINTENANCE), loose(State.DOWN)],
            "down",
            "Ein Gerät ohne Raum ist gestört",
            "1 Gerät ohne Raum hat eine",
        ),
        (
            [loose(State.MAINTENANCE)],
            "maintenance",
            "An einem Gerät ohne Raum läuft eine Wartung",
            "Wir machen eine Wartung.",
        ),
        ([loose(*2 * [State.MAINTENANCE])], "maintenance", "An 2 Geräten ohne Raum läuft", "Wir machen eine Wartung."),
        ([room(State.MAINTENANCE), loose(State.MAINTENANCE)], "maintenance", "In 1 Raum läuft", "Wir machen eine Wartung."),
    ],
)
def test_devices_without_a_room_are_no_room(rooms: list[RoomState], state: str, sentence: str, simple: str) -> None:
    mood = rules.mood(rooms)

    assert mood.state == state
    with translation.override("de"):
        assert words.how_it_is(mood).startswith(sentence)
        assert plain.how_it_is(mood).startswith(simple)


def test_every_trouble_has_words_and_a_pictogram() -> None:
    assert set(rules.PICTOGRAMS) == set(words.TROUBLES)
    assert set(rules.troubles(simple=True)) < set(rules.troubles(simple=False))


@pytest.mark.parametrize("kind", DeviceType.Kind.values)
def test_every_kind_of_device_is_missed_as_something(kind: str) -> None:
    assert rules.outage(kind) in words._OUTAGES
