"""When a remedy may run by itself, and when a person is needed instead."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from fleet.automation.catalogue.model import Text
from fleet.sites.rules import Moment

PLACEHOLDER = re.compile(r"\{([a-z_.]+)\}")
KNOWN = frozenset({"device.name", "uplink.if_index", "uplink.name"})
"""What an argument may take from where the device stands."""


@dataclass(frozen=True)
class Remedy:
    slug: str
    title: Text
    summary: Text
    alert: str
    """The kind of alert that calls for it."""
    playbook: str
    target: Literal["device", "uplink"]
    """On what the playbook runs: the device itself, or what it hangs on."""
    kinds: frozenset[str]
    platforms: frozenset[str]
    """Of the device; empty: any."""
    arguments: Mapping[str, Any]
    hours: frozenset[Moment]
    in_exams: bool
    once_per_hours: int
    wait_s: int
    """So long after the change's end the alert may stay open before a person is needed."""


def suits(remedy: Remedy, *, alert: str, kind: str, platform: str) -> bool:
    return remedy.alert == alert and kind in remedy.kinds and (not remedy.platforms or platform in remedy.platforms)


class Step(StrEnum):
    ORDER = "order"
    WAIT = "wait"
    LIMITED = "limited"
    UNFIT = "unfit"


@dataclass(frozen=True)
class Case:
    """A remedy that was called for, as things stand now."""

    moment: Moment
    exam: bool
    last_ordered_at: datetime | None
    """When it was last tried on this device."""
    uplinks: int
    """Ports that the device hangs on."""
    uplink_answers: bool
    bound: bool = True
    """It is switched on here and, above low risk, signed as it is now."""
    ordered_lately: int = 0
    """How often it has run in this place within 24 hours, on all devices."""
    most_a_day: int | None = None


def next_step(remedy: Remedy, case: Case, now: datetime) -> tuple[Step, str]:
    """(what to do, why). The limit comes first: a second failure within it is for a person, whatever the hour."""
    tried = case.last_ordered_at is not None and now - case.last_ordered_at < timedelta(hours=remedy.once_per_hours)
    often = case.most_a_day is not None and case.ordered_lately >= case.most_a_day
    by_uplink = remedy.target == "uplink"
    reasons = (
        (tried, Step.LIMITED, "tried-recently"),
        (often, Step.LIMITED, "most-a-day"),
        (not case.bound, Step.UNFIT, "unsigned"),
        (by_uplink and case.uplinks != 1, Step.UNFIT, "no-single-uplink"),
        (by_uplink and not case.uplink_answers, Step.UNFIT, "uplink-silent"),
        (case.moment not in remedy.hours, Step.WAIT, "hours"),
        (case.exam and not remedy.in_exams, Step.WAIT, "exam"),
    )
    return next(((step, why) for holds, step, why in reasons if holds), (Step.ORDER, ""))


def filled(arguments: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Placeholders replaced, once; one that is the whole text keeps the value's type."""

    def fill(given: Any) -> Any:
        if not isinstance(given, str):
            return given
        whole = PLACEHOLDER.fullmatch(given)
        if whole:
            return values.get(whole[1])
        return PLACEHOLDER.sub(lambda match: str(values.get(match[1], "")), given)

    return {name: fill(given) for name, given in arguments.items()}


def not_helped(*, change_ended_at: datetime | None, wait_s: int, now: datetime) -> bool:
    """The change is over for so long that the alert should be, too."""
    return change_ended_at is not None and now >= change_ended_at + timedelta(seconds=wait_s)
