"""What comes first in the list: who suffers, and for how long today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from fleet.monitoring.rules.kinds import Kind
from fleet.monitoring.rules.severity import LADDER, WORK_HANGS_ON, Severity
from fleet.sites.rules import Calendar, in_exam, lessons_between

MOST_LESSONS, MOST_BEHIND = 9_999, 999
BEHIND_WEIGHT = 1
SEVERITY_WEIGHT = MOST_BEHIND + 1
LESSON_WEIGHT = SEVERITY_WEIGHT * len(LADDER)
EXAM_WEIGHT = LESSON_WEIGHT * (MOST_LESSONS + 1)


@dataclass(frozen=True)
class Damage:
    """`lessons`: in the affected rooms, from now to the end of the school day; `behind`: devices silent because of it."""

    severity: str
    lessons: int = 0
    behind: int = 0
    exam: bool = False


@dataclass(frozen=True)
class Affected:
    """A device that an alert tells of. `room` only if lessons are held there."""

    kind: str
    room: int | None


def rank(damage: Damage) -> int:
    """The greater, the further up: exams, then lessons hit, then severity, then how much hangs on it."""
    return (
        damage.exam * EXAM_WEIGHT
        + min(damage.lessons, MOST_LESSONS) * LESSON_WEIGHT
        + LADDER.index(Severity(damage.severity)) * SEVERITY_WEIGHT
        + min(damage.behind, MOST_BEHIND) * BEHIND_WEIGHT
    )


def hits_lessons(alert_kind: str, device_kind: str) -> bool:
    """Whether a lesson notices: the network is gone. A toner that runs low, or a hot switch, it does not."""
    network = alert_kind in {Kind.UNREACHABLE, Kind.SILENT_SITE, Kind.POWER_OFF} and device_kind in WORK_HANGS_ON
    return network or alert_kind == Kind.SILENT_ACCESS_POINT


def lessons_hit(alert_kind: str, affected: Sequence[Affected], lessons_left: int) -> int:
    """Every room without network loses each of the lessons that are left today."""
    rooms = {one.room for one in affected if one.room is not None and hits_lessons(alert_kind, one.kind)}
    return len(rooms) * lessons_left


def lessons_left(calendar: Calendar, now: datetime) -> int:
    """The one that is going on and those that follow today."""
    soon = lessons_between(calendar, now, now + timedelta(days=1))
    return sum(_day(calendar, one.begins_at) == _day(calendar, now) for one in soon)


def _day(calendar: Calendar, at: datetime) -> date:
    return at.astimezone(ZoneInfo(calendar.timezone)).date()


def examined(calendar: Calendar, now: datetime) -> bool:
    return in_exam(calendar, now)
