"""Time boxes over each other, as a model: whatever overlaps, in whatever order it ends, nothing is lost, nothing stays."""

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from fleet.automation.catalogue import get
from fleet.automation.rules.boxes import (
    Act,
    Adjustment,
    Box,
    Ending,
    adjusting,
    ending,
    may_adjust,
    next_try,
    parted,
    subject_names,
    undoes,
)

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def at(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def box(change: int, values: str = "a", applied: int = 0, ends: int | None = 60, subject: str = "exam") -> Box:
    return Box(change, subject, values, at(applied), None if ends is None else at(ends))


@pytest.mark.parametrize(
    ("mine", "others", "expected"),
    [
        (box(1, ends=0), [], Ending(Act.TAKE_BACK)),
        (box(1, ends=0), [box(2, ends=0)], Ending(Act.TAKE_BACK)),
        (box(1, ends=0), [box(2, subject="guest")], Ending(Act.TAKE_BACK)),
        (box(1, ends=0), [box(2)], Ending(Act.LEAVE, 2)),
        (box(1, "a", -9, 0), [box(2, "b", -5)], Ending(Act.LEAVE, 2)),
        (box(2, "b", -5, 0), [box(1, "a", -9)], Ending(Act.RESTORE, 1)),
        (box(3, "c", -1, 0), [box(1, "a", -9), box(2, "b", -5)], Ending(Act.RESTORE, 2)),
        (box(2, "b", -5, 0), [box(1, "a", -9, ends=None)], Ending(Act.RESTORE, 1)),
    ],
)
def test_what_becomes_of_a_device(mine: Box, others: list[Box], expected: Ending) -> None:
    assert ending(mine, others, NOW) == expected


def test_the_same_wifi_is_the_same_thing_whatever_its_key() -> None:
    playbook = get("ssid")

    one = parted(playbook, {"ssid": "Exam", "psk": "first-key", "state": "present"})
    other = parted(playbook, {"ssid": "Exam", "psk": "other-key", "state": "present"})

    assert subject_names(playbook) == {"ssid"}
    assert (one[0] == other[0], one[1] == other[1]) == (True, False)
    assert undoes(playbook, {"state": "absent"})
    assert not undoes(playbook, {"state": "present"})


def test_what_measuring_does_not_name_the_manifest_does() -> None:
    playbook = get("printer-queue")
    day = {"queue": "klasse", "printer_host": "10.0.0.1", "place": "101", "state": "present"}

    one, other = parted(playbook, day), parted(playbook, {**day, "printer_host": "10.0.0.2"})

    assert subject_names(playbook) == {"queue"}
    assert (one[0] == other[0], one[1] == other[1]) == (True, False)
    assert parted(playbook, {**day, "queue": "labor"})[0] != one[0]


def test_a_rotated_key_is_a_part_of_the_same_wifi() -> None:
    whole, part = get("ssid"), get("psk-rotate")
    subject = parted(whole, {"ssid": "Exam", "psk": "first-key"})[0]
    rotated = [
        Adjustment(change, parted(part, {"ssid": name, "psk": "k"})[0], {"psk": "k"}, at(applied))
        for change, name, applied in ((3, "Exam", 2), (2, "Exam", 1), (4, "Other", 3), (1, "Exam", -1))
    ]

    assert (may_adjust(part, whole), may_adjust(whole, part), may_adjust(get("port-label"), whole)) == (True, False, False)
    assert [one.change for one in adjusting(subject, at(0), rotated)] == [2, 3]


def test_what_comes_back_says_who_has_adjusted_it() -> None:
    for_good = Box(1, "exam", "b", at(-9), None, adjusted_by=(2, 3))

    assert ending(box(4, "a", -5, 0), [for_good], NOW) == Ending(Act.RESTORE, 1, (2, 3))
    assert ending(box(4, "b", -5, 0), [for_good], NOW) == Ending(Act.LEAVE, 1)


def test_pauses_grow_and_end() -> None:
    pauses = [(next_try(tries, NOW) - NOW).total_seconds() for tries in (0, 1, 2, 99)]

    assert pauses == [30, 60, 120, 7200]


@dataclass
class _Device:
    """What stands on the device: {subject: values}."""

    standing: dict[str, str] = field(default_factory=dict)
    live: list[Box] = field(default_factory=list)

    def end(self, mine: Box, now: datetime) -> None:
        self.live.remove(mine)
        found = ending(mine, self.live, now)
        if found.act == Act.TAKE_BACK:
            self.standing.pop(mine.subject, None)
        elif found.act == Act.RESTORE:
            self.standing[mine.subject] = next(one.values for one in self.live if one.change == found.other)

    def due(self, now: datetime) -> list[Box]:
        return [one for one in self.live if one.ends_at is not None and one.ends_at <= now]

    def check(self, now: datetime) -> None:
        """While anything is wanted, what was carried out last of it stands there; else nothing does, once all was tended."""
        wanted: dict[str, Box] = {}
        for one in sorted(self.live, key=lambda one: (one.applied_at, one.change)):
            if one.ends_at is not None and one.ends_at > now:
                wanted[one.subject] = one
        unended = {one.subject for one in self.due(now)}
        for subject, one in wanted.items():
            assert subject in self.standing
            assert subject in unended or self.standing[subject] == one.values
        assert unended | set(wanted) >= set(self.standing)


@pytest.mark.parametrize("seed", range(200))
def test_random_boxes_compose_and_unwind_in_any_order(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311  (repeatable, not secret)
    device, waiting = _Device(), []
    for change in range(1, dice.randint(3, 12)):
        begin = dice.randint(0, 60)
        subject, values = dice.choice("st"), dice.choice("abc")
        waiting.append(Box(change, subject, values, at(begin), at(begin + dice.randint(1, 60))))
    for minute in range(200):
        now = at(minute)
        for one in [one for one in waiting if one.applied_at <= now]:
            waiting.remove(one)
            device.live.append(one)
            device.standing[one.subject] = one.values
        if device.live and dice.random() < 0.05:
            number = dice.randrange(len(device.live))
            one = device.live[number]
            if one.ends_at is not None and one.ends_at > now:  # extended, or ended early
                device.live[number] = replace(one, ends_at=max(now, one.ends_at + timedelta(minutes=dice.randint(-30, 30))))
        if dice.random() < 0.6:  # otherwise nobody tends: killed, or the device is offline
            for one in dice.sample(device.due(now), len(device.due(now))):
                device.end(one, now)
        device.check(now)

    for one in device.due(at(999)):
        device.end(one, at(999))
    assert not device.live
    assert not device.standing
