"""Which repetition rules (RFC 5545, 3.3.10) are let in.

A rule that never matches makes any expander walk day by day to the year 9999, one that matches each second fills the memory.
So only what school calendars use is let in: parts that together always match something, soon.
"""

from collections.abc import Mapping
from typing import Any

ALWAYS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"})
PARTS: Mapping[str, frozenset[str]] = {
    "DAILY": ALWAYS | {"BYDAY"},
    "WEEKLY": ALWAYS | {"BYDAY"},
    "MONTHLY": ALWAYS | {"BYDAY", "BYMONTHDAY", "BYSETPOS"},
    "YEARLY": ALWAYS | {"BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS"},
}
DAYS_OF_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
WEEKS_OF_A_MONTH = 5
LONGEST_INTERVAL = 400
Rule = Mapping[str, list[Any]]


def is_usual(rule: Rule) -> bool:
    """Whether a calendar of a school could say so."""
    frequency = str(_one(rule, "FREQ", "")).upper()
    if not set(rule) <= PARTS.get(frequency, frozenset()):
        return False
    interval = int(_one(rule, "INTERVAL", 1))
    if not 1 <= interval <= LONGEST_INTERVAL or (interval > 1 and frequency == "DAILY" and "BYDAY" in rule):
        return False
    return _weekdays_fit(rule, frequency) and _days_fit(rule) and _positions_fit(rule)


def _one(rule: Rule, name: str, default: Any) -> Any:
    values = rule.get(name) or [default]
    return values[0]


def _ordinals(rule: Rule) -> list[int]:
    """The numbers before weekdays: 2 of `2MO`, -1 of `-1FR`."""
    return [int(number) for one in rule.get("BYDAY", []) if (number := str(one)[:-2])]


def _weekdays_fit(rule: Rule, frequency: str) -> bool:
    ordinals = _ordinals(rule)
    if not ordinals:
        return True
    within_months = frequency == "MONTHLY" or (frequency == "YEARLY" and "BYMONTH" in rule)
    return within_months and not {"BYMONTHDAY", "BYSETPOS"} & set(rule) and max(map(abs, ordinals)) <= WEEKS_OF_A_MONTH


def _days_fit(rule: Rule) -> bool:
    """Some month has such a day: not only the 30th of February."""
    months = [int(month) for month in rule.get("BYMONTH", range(1, 13))]
    days = [abs(int(day)) for day in rule.get("BYMONTHDAY", [1])]
    return all(1 <= month <= len(DAYS_OF_MONTHS) for month in months) and any(
        1 <= day <= DAYS_OF_MONTHS[month - 1] for month in months for day in days
    )


def _positions_fit(rule: Rule) -> bool:
    positions = [abs(int(one)) for one in rule.get("BYSETPOS", [])]
    return not positions or ("BYDAY" in rule and "BYMONTHDAY" not in rule and max(positions) < WEEKS_OF_A_MONTH)
