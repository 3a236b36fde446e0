"""An iCalendar file (RFC 5545) as entries: every repetition written out, DTEND exclusive.

icalendar reads it, recurring-ical-events repeats it. Ours are the limits: a rule that would repeat every second is refused
before anything is repeated.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar as ICalendar
from icalendar import Component

from fleet.sites.rules import repeating
from fleet.sites.rules.clock import ONE_DAY
from fleet.sites.rules.told import (
    LONGEST_NAME,
    LONGEST_UID,
    MOST_DAYS,
    MOST_ENTRIES,
    FileError,
    Problem,
    Told,
    checked,
    decoded,
    each,
    each_once,
    is_near,
)

BEGIN, END, EVENT = "BEGIN:VCALENDAR", "END:VCALENDAR", "BEGIN:VEVENT"
MOST_RULES = 50
OLDEST_RULE_YEAR = 2000
ONCE = frozenset({"UID", "DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "STATUS", "SEQUENCE"})
"""What says nothing when it is there twice."""
NEEDED = ONCE | {"SUMMARY", "RRULE", "RDATE", "EXDATE"}
DAYS = frozenset({"DTSTART", "DTEND", "RECURRENCE-ID", "RDATE", "EXDATE"})
LONGEST = timedelta(days=MOST_DAYS + 1)
INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and when a file is read, and from when until when what repeats is written out."""

    timezone: str
    today: date
    whole_days: bool = True
    """Days of closures and holidays; else instants of exams."""
    back: timedelta = timedelta(days=366)
    ahead: timedelta = timedelta(days=4 * 366)


def read(data: bytes, setting: Setting) -> list[Told]:
    """Raises FileError, with the line and the event's summary, if anything in it cannot be understood."""
    text = decoded(data)
    lines = text.splitlines()
    events = _events(text, lines, setting.today)
    _refuse_bombs(events)
    calendar = ICalendar()
    for event, _line in events:
        calendar.add_component(event)
    where = {str(event["UID"]): line for event, line in events}
    told = [_told(one, setting, _repeated(events)) for one in _written_out(calendar, setting)]
    return each_once(sorted(each(told, lambda one: checked(one, where.get(one.uid))), key=_in_order))


def _in_order(one: Told) -> tuple[str, str]:
    return one.begins.isoformat(), one.uid


def _events(text: str, lines: list[str], today: date) -> list[tuple[Component, int]]:
    """Events in force, each with the line on which it begins and a UID of its own."""
    filled = [line.strip().upper() for line in lines if line.strip()]
    if not filled or filled[0] != BEGIN:
        raise FileError(Problem.NOT_A_CALENDAR, 1, lines[0] if lines else "")
    if filled[-1] != END:
        raise FileError(Problem.CUT_OFF, len(lines), lines[-1])
    begins = [number for number, line in enumerate(lines, start=1) if line.strip().upper() == EVENT]
    found = list(zip(_parsed(text, lines).walk("VEVENT"), begins, strict=False))
    each(found, lambda one: _check(*one, today))
    return _with_uids(_in_force(found))


def _parsed(text: str, lines: list[str]) -> ICalendar:
    try:
        return ICalendar.from_ical(text)
    except ValueError as error:
        line = next((number for number, one in enumerate(lines, start=1) if one and one in str(error)), None)
        raise FileError(Problem.BROKEN_LINE, line, lines[line - 1] if line else str(error)) from error


def _check(event: Component, line: int, today: date) -> None:
    """What icalendar could not read it drops and remembers; of what we need nothing may be dropped."""
    summary = str(event.get("SUMMARY", ""))
    for name, said in event.errors:
        if name is None or name.upper() in NEEDED:
            raise FileError(Problem.BROKEN_VALUE, line, f"{summary}: {said}" if summary else str(said))
    for name in sorted(ONCE & set(event)):
        if isinstance(event[name], list):
            raise FileError(Problem.BROKEN_VALUE, line, f"{summary}: {name}" if summary else name)
    if "DTSTART" not in event:
        raise FileError(Problem.NO_BEGIN, line, summary)
    if not all(is_near(day, today) for day in _days_named(event)):
        raise FileError(Problem.TOO_FAR, line, summary)
    if "DURATION" in event and abs(_length(event)) > LONGEST:
        raise FileError(Problem.TOO_LONG, line, summary)
    if "DTEND" in event and _as_text(_when(event, "DTEND")) < _as_text(_when(event, "DTSTART")):
        raise FileError(Problem.ENDS_BEFORE_IT_BEGINS, line, summary)


def _days_named(event: Component) -> Iterator[date]:
    for name in DAYS & set(event):
        values: Any = event[name] if isinstance(event[name], list) else [event[name]]
        for one in chain.from_iterable(getattr(value, "dts", [value]) for value in values):
            yield one.dt[0] if isinstance(one.dt, tuple) else one.dt  # of a period its beginning


def _length(event: Component) -> timedelta:
    value: Any = event["DURATION"]
    length: timedelta = value.dt
    return length


def _when(event: Component, name: str) -> Any:
    """The date or datetime of a property."""
    value: Any = event[name]
    return value.dt


def _as_text(when: date) -> str:
    """To compare days with days and instants with instants; zones that differ are sorted out when it is written out."""
    return when.astimezone(UTC).isoformat() if isinstance(when, datetime) and when.tzinfo else when.isoformat()


def _in_force(events: list[tuple[Component, int]]) -> list[tuple[Component, int]]:
    """The last revision of each (RFC 5545, 3.8.7.4), without series that are called off and what was moved in them.

    A single day that is called off stays: it takes the place of the series' own, and goes when that is written out.
    """
    newest: dict[tuple[str, str], int] = {}
    for event, _line in events:
        newest[_identity(event)] = max(_revision(event), newest.get(_identity(event), 0))
    last = [one for one in events if not one[0].get("UID") or _revision(one[0]) == newest[_identity(one[0])]]
    series = [event for event, _line in last if "RECURRENCE-ID" not in event]
    on = {str(event.get("UID", "")) for event in series if not _called_off(event)}
    off = {str(event["UID"]) for event in series if _called_off(event) and "UID" in event} - on
    return [one for one in last if str(one[0].get("UID", "")) not in off and not _is_over(one[0])]


def _identity(event: Component) -> tuple[str, str]:
    """UID, and which day of its series it is."""
    return str(event.get("UID", "")), _as_text(_when(event, "RECURRENCE-ID")) if "RECURRENCE-ID" in event else ""


def _revision(event: Component) -> int:
    return int(str(event.get("SEQUENCE", 0)))


def _called_off(event: Component) -> bool:
    return str(event.get("STATUS", "")).upper() == "CANCELLED"


def _is_over(event: Component) -> bool:
    return _called_off(event) and "RECURRENCE-ID" not in event


def _with_uids(events: Iterable[tuple[Component, int]]) -> list[tuple[Component, int]]:
    """Without a UID an event would be new each time; the same one twice would hide one of the two."""
    seen: set[str] = set()
    found = []
    for event, line in events:
        uid = str(event.get("UID", "")) or _made_up(event)
        if "RECURRENCE-ID" not in event:
            uid = next(one for one in _variants(uid) if one not in seen)
            seen.add(uid)
        event["UID"] = uid if len(uid) < LONGEST_UID // 2 else hashlib.sha256(uid.encode()).hexdigest()
        found.append((event, line))
    return found


def _variants(uid: str) -> Iterator[str]:
    yield uid
    for number in range(2, 100_000):
        yield f"{uid}#{number}"


def _made_up(event: Component) -> str:
    content = f"{event.get('SUMMARY', '')}·{_when(event, 'DTSTART').isoformat()}"
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _refuse_bombs(events: list[tuple[Component, int]]) -> None:
    if len(events) > MOST_ENTRIES:
        raise FileError(Problem.TOO_MANY, None, str(len(events)))
    ruled = [(event, line) for event, line in events if "RRULE" in event]
    if len(ruled) > MOST_RULES:
        raise FileError(Problem.TOO_MANY_RULES, ruled[MOST_RULES][1], str(len(ruled)))
    for event, line in ruled:
        rule: Any = event["RRULE"]
        too_old = _when(event, "DTSTART").year < OLDEST_RULE_YEAR
        if too_old or isinstance(rule, list) or "EXRULE" in event or not repeating.is_usual(rule):
            raise FileError(Problem.RULE_TOO_FAST, line, str(event.get("SUMMARY", "")))


def _written_out(calendar: ICalendar, setting: Setting) -> list[Component]:
    """Year by year, so that too much is noticed before all of it is there."""
    query = recurring_ical_events.of(calendar)
    found: dict[tuple[str, str], Component] = {}
    begin, last = setting.today - setting.back, setting.today + setting.ahead
    while begin < last:
        end = min(begin + timedelta(days=366), last)
        for one in (one for one in query.between(begin, end) if not _called_off(one)):
            found[str(one["UID"]), _when(one, "DTSTART").isoformat()] = one
        if len(found) > MOST_ENTRIES:
            raise FileError(Problem.TOO_MANY, None, str(len(found)))
        begin = end
    return list(found.values())


def _repeated(events: list[tuple[Component, int]]) -> frozenset[str]:
    """UIDs that stand for several entries: their day belongs to the entry's name."""
    several = [str(event["UID"]) for event, _line in events if {"RRULE", "RDATE", "RECURRENCE-ID"} & set(event)]
    return frozenset(several)


def _told(event: Component, setting: Setting, repeated: frozenset[str]) -> Told:
    begins = _when(event, "DTSTART")
    ends = _when(event, "DTEND") if "DTEND" in event else begins
    uid = str(event["UID"])
    if uid in repeated:
        uid = f"{uid}@{begins.isoformat()}"
    name = " ".join(str(event.get("SUMMARY", "")).split())[:LONGEST_NAME] or "–"
    as_span = _days if setting.whole_days else _instants
    return Told(uid, name, *as_span(begins, ends, ZoneInfo(setting.timezone)))


def _days(begins: date, ends: date, zone: ZoneInfo) -> tuple[date, date]:
    """First and last day. The end is exclusive (RFC 5545, 3.6.1); where it is the first day too, one day is meant."""
    if not isinstance(begins, datetime) or not isinstance(ends, datetime):
        return begins, max(begins, ends - ONE_DAY)
    first, last = _local(begins, zone), _local(ends, zone)
    return first.date(), max(first, last - INSTANT).date()


def _instants(begins: date, ends: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """A whole day is from midnight to midnight."""
    if isinstance(begins, datetime) and isinstance(ends, datetime):
        return _local(begins, zone), _local(ends, zone)
    first, last = _days(begins, ends, zone)
    return datetime.combine(first, time(0), zone), datetime.combine(last + ONE_DAY, time(0), zone)


def _local(instant: datetime, zone: ZoneInfo) -> datetime:
    """A time without a zone is meant as it is on the wall (RFC 5545, 3.3.5: form #1)."""
    return instant.replace(tzinfo=zone) if instant.tzinfo is None else instant.astimezone(zone)
