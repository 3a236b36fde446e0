"""How bad something is, by the hour of the school day."""

from enum import StrEnum

from fleet.sites.rules import Moment


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


LADDER = tuple(Severity)
WORK_HANGS_ON = frozenset({"access-point", "wireless-controller", "switch", "router", "firewall"})
"""Kinds without which a lesson stands still."""


def of_silence(device_kind: str) -> Severity:
    """Before the calendar has its say."""
    return Severity.CRITICAL if device_kind in WORK_HANGS_ON or device_kind in {"server", "ups"} else Severity.WARNING


def adjusted(base: str, moment: Moment, *, hits_lessons: bool, around_the_clock: bool = False) -> Severity:
    """One step up while a lesson suffers, one step down while nobody is at school; a battery does not wait for morning."""
    if moment is Moment.LESSON and hits_lessons:
        return _moved(base, 1)
    if moment in {Moment.OFF_HOURS, Moment.FREE} and not around_the_clock:
        return _moved(base, -1)
    return Severity(base)


def worse(one: str, other: str) -> bool:
    return LADDER.index(Severity(one)) > LADDER.index(Severity(other))


def _moved(base: str, steps: int) -> Severity:
    at = LADDER.index(Severity(base)) + steps
    return LADDER[max(0, min(at, len(LADDER) - 1))]
