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

NO_SUBJECT = "it can be taken back, and nothing measured names what is changed: say which arguments do"
MEMBERSHIP = frozenset({"contains", "lacks"})
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=2)


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
    adjusted_by: tuple[int, ...] = ()
    """Changes that have set a part of `values` since (`adjusting`), the last one last."""


@dataclass(frozen=True)
class Adjustment:
    """A part of what stands on one device under `subject`, set anew for good by `change`: a key that was rotated, say."""

    change: int
    subject: str
    arguments: Mapping[str, Any]
    applied_at: datetime


@dataclass(frozen=True)
class Ending:
    act: Act
    other: int | None = None
    """The change in whose favour."""
    adjusted_by: tuple[int, ...] = ()
    """Of RESTORE: changes whose arguments take the place of the other's own, one after the other."""


def ending(box: Box, others: Iterable[Box], now: datetime) -> Ending:
    """What to do on the device when `box` ends. `others`: what else was carried out there and not taken back yet."""
    wanted = [one for one in others if one.subject == box.subject and (one.ends_at is None or one.ends_at > now)]
    last = max(wanted, key=lambda one: (one.applied_at, one.change), default=None)
    if last is None:
        return Ending(Act.TAKE_BACK)
    covered = (box.applied_at, box.change) > (last.applied_at, last.change) and box.values != last.values
    return Ending(Act.RESTORE, last.change, last.adjusted_by) if covered else Ending(Act.LEAVE, last.change)


def subject_names(playbook: Playbook) -> frozenset[str]:
    """The arguments that say *what* is changed; all others say *how*.

    The manifest's `subject`, else what measuring looks for: the row of a reading (`poe[ifIndex={port}].admin`) and the
    member of a list (`wireless.ssids` contains `{ssid}`). Where neither names any, all that taking back leaves alone, except
    secrets.
    """
    return playbook.subject or _measured(playbook) or _left_alone(playbook)


def lacks_subject(playbook: Playbook) -> bool:
    """Whether changes of it may end over each other, and nothing says which of several arguments tell what is changed."""
    named = playbook.subject or _measured(playbook)
    return playbook.undoes_itself and not named and len(_left_alone(playbook)) > 1


def _measured(playbook: Playbook) -> frozenset[str]:
    named: set[str] = set()
    for one in playbook.verification.expect:
        named |= set(PLACEHOLDER.findall(one.reading))
        if one.holds in MEMBERSHIP and isinstance(one.value, str):
            named |= set(PLACEHOLDER.findall(one.value))
    declared = {argument.name for argument in playbook.arguments}
    return frozenset((named & declared) - set(undoing(playbook)))


def _left_alone(playbook: Playbook) -> frozenset[str]:
    declared = {argument.name for argument in playbook.arguments}
    return frozenset(declared - set(undoing(playbook)) - playbook.secret_names)


def undoing(playbook: Playbook) -> Mapping[str, Any]:
    """The arguments that take a change back."""
    return (playbook.rollback.arguments if playbook.rollback else None) or {}


def undoes(playbook: Playbook, arguments: Mapping[str, Any]) -> bool:
    """Whether a change with these arguments is itself the taking back: it wants nothing to stay."""
    undone = undoing(playbook)
    return bool(undone) and all(arguments.get(name) == value for name, value in undone.items())


def parted(playbook: Playbook, arguments: Mapping[str, Any]) -> tuple[str, str]:
    """(subject, values) as texts that are equal exactly when they are the same.

    What adjusts another playbook's doing speaks of the same subject as that one.
    """
    names = subject_names(playbook)
    subject = {name: value for name, value in arguments.items() if name in names}
    values = {name: value for name, value in arguments.items() if name not in names}
    return _text([playbook.adjusts or playbook.slug, subject]), _text(values)


def may_adjust(part: Playbook, whole: Playbook) -> bool:
    """Whether `part` names what it changes as `whole` does, and all that it sets is an argument of `whole`."""
    declared, parts = ({argument.name for argument in one.arguments} for one in (whole, part))
    return part.adjusts == whole.slug and parts <= declared and subject_names(part) == subject_names(whole)


def adjusting(subject: str, applied_at: datetime, found: Iterable[Adjustment]) -> list[Adjustment]:
    """Those that have set a part of what was carried out at `applied_at`, in the order in which they did."""
    later = [one for one in found if one.subject == subject and one.applied_at > applied_at]
    return sorted(later, key=lambda one: (one.applied_at, one.change))


def _text(content: Any) -> str:
    return json.dumps(content, sort_keys=True, default=str)


def next_try(tries: int, now: datetime) -> datetime:
    """When an unreachable device is tried again unless it is heard of before: 30 s, doubled up to two hours."""
    pause: timedelta = FIRST_PAUSE * 2 ** min(tries, 10)
    return now + min(LONGEST_PAUSE, pause)
