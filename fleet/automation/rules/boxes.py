"""Changes limited in time that lie over each other on one device: what becomes of it when one of them ends.

On a device stands what was carried out last of what is still wanted. So a change that ends takes away only what nobody else
wants, and where it had covered another one's values, those come back.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from fleet.automation.catalogue.model import Playbook
from fleet.automation.rules.readings import PLACEHOLDER

MEMBERSHIP = frozenset({"contains", "lacks"})
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=30)


class Act(StrEnum):
    TAKE_BACK = "take-back"
    """Nobody else wants it."""
    LEAVE = "leave"
    """Another change wants it, and its values stand there already."""
    RESTORE = "restore"
    """Another change wants it, with other values: those come back."""


@dataclass(frozen=True)
class Box:
    """What one change wants on one device. `ends_at` None: for good. `applied_at`: when it was carried out there last."""

    change: int
    subject: str
    values: str
    applied_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True)
class Ending:
    act: Act
    other: int | None = None
    """The change in whose favour."""


def ending(box: Box, others: Iterable[Box], now: datetime) -> Ending:
    """What to do on the device when `box` ends. `others`: what else was carried out there and not taken back yet."""
    wanted = [one for one in others if one.subject == box.subject and (one.ends_at is None or one.ends_at > now)]
    last = max(wanted, key=lambda one: (one.applied_at, one.change), default=None)
    if last is None:
        return Ending(Act.TAKE_BACK)
    covered = (box.applied_at, box.change) > (last.applied_at, last.change) and box.values != last.values
    return Ending(Act.RESTORE if covered else Act.LEAVE, last.change)


def subject_names(playbook: Playbook) -> frozenset[str]:
    """The arguments that say *what* is changed; all others say *how*.

    They are what measuring looks for: the row of a reading (`poe[ifIndex={port}].admin`) and the member of a list
    (`wireless.ssids` contains `{ssid}`). Where measuring names none, all that taking back leaves alone, except secrets.
    """
    undone = undoing(playbook)
    named: set[str] = set()
    for one in playbook.verification.expect:
        named |= set(PLACEHOLDER.findall(one.reading))
        if one.holds in MEMBERSHIP and isinstance(one.value, str):
            named |= set(PLACEHOLDER.findall(one.value))
    declared = {argument.name for argument in playbook.arguments}
    found = (named & declared) - set(undone)
    return frozenset(found or declared - set(undone) - playbook.secret_names)


def undoing(playbook: Playbook) -> Mapping[str, Any]:
    """The arguments that take a change back."""
    return (playbook.rollback.arguments if playbook.rollback else None) or {}


def undoes(playbook: Playbook, arguments: Mapping[str, Any]) -> bool:
    """Whether a change with these arguments is itself the taking back: it wants nothing to stay."""
    undone = undoing(playbook)
    return bool(undone) and all(arguments.get(name) == value for name, value in undone.items())


def parted(playbook: Playbook, arguments: Mapping[str, Any]) -> tuple[str, str]:
    """(subject, values) as texts that are equal exactly when they are the same."""
    names = subject_names(playbook)
    subject = {name: value for name, value in arguments.items() if name in names}
    values = {name: value for name, value in arguments.items() if name not in names}
    return _text([playbook.slug, subject]), _text(values)


def _text(content: Any) -> str:
    return json.dumps(content, sort_keys=True, default=str)


def next_try(tries: int, now: datetime) -> datetime:
    """When an unreachable device is tried again unless it is heard of before: 30 s, doubled up to half an hour."""
    pause: timedelta = FIRST_PAUSE * 2 ** min(tries, 10)
    return now + min(LONGEST_PAUSE, pause)
