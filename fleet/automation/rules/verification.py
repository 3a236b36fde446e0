"""Did it work? Judged from what the device said before and after, never from what Ansible said."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from fleet.automation.catalogue.model import Expectation
from fleet.automation.rules.readings import PLACEHOLDER, Step, fill, filled, find, parse

UPTIME = "uptime_s"


class Verdict(StrEnum):
    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Seen:
    """A reading (None: the device did not answer) and when it was taken."""

    at: datetime
    reading: dict[str, Any] | None


@dataclass(frozen=True)
class Wanted:
    """An expectation with the arguments put in."""

    reading: str
    """As people read it."""
    holds: str
    value: Any
    subject: str
    steps: tuple[Step, ...] = ()
    """The way to the value in a reading; none for `reachable`."""


def wanted(expectations: Iterable[Expectation], arguments: Mapping[str, Any]) -> list[Wanted]:
    """The expectations that apply to these arguments; text put in is never looked into again."""
    return [
        Wanted(filled(one.reading, arguments), one.holds, _value(one.value, arguments), one.subject, _steps(one, arguments))
        for one in expectations
        if _applies(one, arguments)
    ]


def _applies(one: Expectation, arguments: Mapping[str, Any]) -> bool:
    fits = all(str(arguments.get(name)) == str(value) for name, value in one.when.items())
    return fits and all(arguments.get(name) is not None for name in one.given)


def all_measured(expectations: Iterable[Expectation], arguments: Mapping[str, Any]) -> bool:
    """Whether every argument that is given decides what some expectation looks for. Of secrets none does."""
    measured = {name for one in expectations if _applies(one, arguments) for name in _named(one)}
    return {name for name, value in arguments.items() if value is not None} <= measured


def _named(one: Expectation) -> set[str]:
    texts = [one.reading, *([one.value] if isinstance(one.value, str) else [])]
    return set(one.when).union(*(PLACEHOLDER.findall(text) for text in texts))


def _steps(one: Expectation, arguments: Mapping[str, Any]) -> tuple[Step, ...]:
    if one.holds == "reachable":
        return ()
    return fill(parse(UPTIME if one.holds == "restarted" else one.reading), arguments)


def _value(value: Any, arguments: Mapping[str, Any]) -> Any:
    if not isinstance(value, str):
        return value
    if value.startswith("{") and value.endswith("}") and value[1:-1] in arguments:
        return arguments[value[1:-1]]
    return filled(value, arguments)


def judge(wish: Wanted, after: Seen | None, started_at: datetime) -> Verdict:
    """Whether `wish` holds after the run that started at `started_at`; unknown where the device does not say."""
    if after is None or after.reading is None:
        return Verdict.UNKNOWN
    if wish.holds == "reachable":
        return Verdict.CONFIRMED
    if wish.holds == "restarted":
        return _restarted(find(after.reading, wish.steps), after.at - started_at)
    value = find(after.reading, wish.steps)
    if value is None:
        return Verdict.UNKNOWN
    return Verdict.CONFIRMED if _holds(wish.holds, wish.value, value) else Verdict.REFUTED


def _restarted(uptime_s: float | None, elapsed: timedelta) -> Verdict:
    """It restarted since then if it has been up for a shorter time (sysUpTime, SNMPv2-MIB)."""
    if uptime_s is None:
        return Verdict.UNKNOWN
    return Verdict.CONFIRMED if timedelta(seconds=uptime_s) < elapsed else Verdict.REFUTED


def _holds(holds: str, wanted: Any, value: Any) -> bool:
    if holds in {"contains", "lacks"}:
        texts = [str(element) for element in value] if isinstance(value, list) else [str(value)]
        return (str(wanted) in texts) == (holds == "contains")
    if holds == "at_least":
        return _is_number(value) and _is_number(wanted) and value >= wanted
    return str(value) == str(wanted)


def is_effect(holds: str, wanted: Any, before: Any) -> bool:
    """Whether what holds now has come about since `before` was seen (None: nobody knows).

    That a device answers says nothing; that it has restarted since then does.
    """
    return holds == "restarted" or is_otherwise(holds, wanted, before)


def is_otherwise(holds: str, wanted: Any, seen: Any) -> bool:
    """Whether what was seen (None: nobody knows) is not as wanted."""
    return holds not in {"reachable", "restarted"} and seen is not None and not _holds(holds, wanted, seen)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """One word for many: a single refutation refutes, a single doubt leaves it open, nothing measured is not known."""
    found = set(verdicts)
    if not found:
        return Verdict.UNKNOWN
    return next((one for one in (Verdict.REFUTED, Verdict.UNKNOWN) if one in found), Verdict.CONFIRMED)
