"""The school clock in the reader's language."""

from datetime import datetime
from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from fleet.sites.models.calendar import WEEKDAYS, BellPeriod
from fleet.sites.rules.clock import Bell, Calendar, LessonSpan, Moment, moment, next_lesson
from fleet.sites.rules.free import Source
from fleet.sites.rules.sheet import Mark
from fleet.sites.rules.table import bell_parts
from fleet.sites.rules.told import MOST_NAMED, FileError, Problem, Told

PROBLEMS = {
    Problem.TOO_LARGE: gettext_lazy("The file is larger than 1 MB."),
    Problem.NOT_TEXT: gettext_lazy("The file holds no text: it is neither a calendar (ICS) nor a table (CSV)."),
    Problem.NOT_A_CALENDAR: gettext_lazy("The file does not begin like a calendar (BEGIN:VCALENDAR)."),
    Problem.CUT_OFF: gettext_lazy("The file ends in the middle: END:VCALENDAR is missing."),
    Problem.BROKEN_LINE: gettext_lazy("A line cannot be understood."),
    Problem.BROKEN_VALUE: gettext_lazy("A value cannot be understood."),
    Problem.NO_BEGIN: gettext_lazy("An entry does not say when it begins."),
    Problem.ENDS_BEFORE_IT_BEGINS: gettext_lazy("An entry ends before it begins."),
    Problem.TOO_LONG: gettext_lazy("An entry takes longer than a year."),
    Problem.TOO_FAR: gettext_lazy("An entry does not lie between 1970 and twenty years from now."),
    Problem.TOO_MANY: gettext_lazy("There are more than 2,000 entries."),
    Problem.TOO_MANY_RULES: gettext_lazy("More than 50 entries repeat."),
    Problem.RULE_TOO_FAST: gettext_lazy("An entry repeats in a way that no school calendar does."),
    Problem.NO_COLUMN: gettext_lazy("A column is missing in the first line."),
    Problem.OVERLAPPING: gettext_lazy("Two lessons of one day overlap, or have the same number."),
    Problem.NO_BELLS: gettext_lazy("No lesson is in it that repeats each week."),
}
MARKS = {
    Mark.SCHOOL: gettext_lazy("School day"),
    Mark.UNKNOWN: gettext_lazy("Counts as a school day: no data"),
    Mark.WEEKEND: gettext_lazy("No lessons on this day of the week"),
    Mark.HOLIDAY: gettext_lazy("School holidays"),
    Mark.FEAST: gettext_lazy("Public holiday"),
    Mark.CLOSURE: gettext_lazy("Closure"),
    Mark.EXAM: gettext_lazy("Exam"),
}
SHORT = {
    Mark.UNKNOWN: "?",
    Mark.HOLIDAY: pgettext_lazy("in a small cell", "hol."),
    Mark.FEAST: pgettext_lazy("in a small cell", "publ."),
    Mark.CLOSURE: pgettext_lazy("in a small cell", "closed"),
    Mark.EXAM: pgettext_lazy("in a small cell", "exam"),
}
SOURCES = {
    Source.STATE: gettext_lazy("from the federal state"),
    Source.FILE: gettext_lazy("from a file"),
    Source.HAND: gettext_lazy("entered by hand"),
}
MOMENTS = {
    Moment.LESSON: gettext_lazy("Lessons are being held."),
    Moment.BREAK: gettext_lazy("It is a break between two lessons."),
    Moment.OFF_HOURS: gettext_lazy("It is a school day, outside of lessons."),
    Moment.FREE: gettext_lazy("Nobody has lessons today."),
}


def problem(error: FileError) -> str:
    """What is wrong with a file, where, and what was read there."""
    where = _("Line %d:") % error.line if error.line else ""
    detail = f"„{error.detail}“" if error.detail else ""
    return " ".join(part for part in (where, str(PROBLEMS[error.problem]), detail) if part)


def problems(error: FileError) -> list[str]:
    """Everything that was found wrong with a file; at its end, that there may be more."""
    found = [problem(one) for one in (error, *error.further)]
    return [*found, _("There may be more mistakes in it.")] if len(found) >= MOST_NAMED else found


def now(calendar: Calendar, at: datetime) -> str:
    """What is going on, until when, or what comes next: one sentence or two."""
    kind = moment(calendar, at)
    day = calendar.local(at).date()
    reason = calendar.why_free(day)
    lesson = _going_on(calendar, at)
    if lesson is not None:
        said = {"number": lesson.number, "clock": _clock(calendar, lesson.ends_at)}
        return _("Lesson %(number)d, until %(clock)s.") % said
    sentence = f"{reason}." if kind is Moment.FREE and reason else str(MOMENTS[kind])
    following = next_lesson(calendar, at)
    if following is None:
        return sentence
    then = _("The next lesson begins %s.") % _when(calendar, following, at)
    return f"{sentence} {then}"


def _going_on(calendar: Calendar, at: datetime) -> LessonSpan | None:
    return next((one for one in calendar.lessons_of(calendar.local(at).date()) if one.begins_at <= at < one.ends_at), None)


def _when(calendar: Calendar, lesson: LessonSpan, at: datetime) -> str:
    begins = calendar.local(lesson.begins_at)
    if begins.date() == calendar.local(at).date():
        return _("today at %s") % _clock(calendar, lesson.begins_at)
    day = formats.date_format(begins, pgettext("Django's date format", "l, j F"))
    return _("on %(day)s at %(clock)s") % {"day": day, "clock": _clock(calendar, lesson.begins_at)}


def _clock(calendar: Calendar, at: datetime) -> str:
    return formats.time_format(calendar.local(at), "H:i")


def week(bells: list[Bell]) -> list[dict[str, Any]]:
    """[{number, times: [clock, or "", of each of `weekdays`]}], rows by number."""
    columns = [clocks for _days, clocks in _alike(bells)]
    numbers = sorted({bell.number for bell in bells})
    return [{"number": number, "times": [clocks.get(number, "") for clocks in columns]} for number in numbers]


def weekdays(bells: list[Bell]) -> list[tuple[str, str]]:
    """[("Mo–Fr", "Montag–Freitag")]: the heads of `week`."""
    names = dict(WEEKDAYS)
    heads = []
    for days, _clocks in _alike(bells):
        said = [str(names[weekday]) for weekday in dict.fromkeys((days[0], days[-1]))]
        heads.append(("–".join(name[:2] for name in said), "–".join(said)))
    return heads


def _alike(bells: list[Bell]) -> list[tuple[list[int], dict[int, str]]]:
    """[(weekdays, {number: clock})]: days in a row that ring alike are one; days without any bell are left out."""
    found: list[tuple[list[int], dict[int, str]]] = []
    for weekday in sorted({bell.weekday for bell in bells}):
        clocks = {bell.number: f"{bell.begins:%H:%M}–{bell.ends:%H:%M}" for bell in bells if bell.weekday == weekday}
        if found and found[-1][1] == clocks and found[-1][0][-1] == weekday - 1:
            found[-1][0].append(weekday)
        else:
            found.append(([weekday], clocks))
    return found


def hours(calendar: Calendar) -> list[tuple[str, str]]:
    """[(weekday, "08:00–16:00")] of the service hours."""
    names = dict(WEEKDAYS)
    return [
        (str(names[weekday]), ", ".join(f"{one.begins:%H:%M}–{one.ends:%H:%M}" for one in spans))
        for weekday, spans in sorted(calendar.hours.week.items())
    ]


def bell(one: Told) -> str:
    kind, weekday, _number = bell_parts(one)
    said = f"{dict(WEEKDAYS)[weekday]} {one.begins:%H:%M}–{one.ends:%H:%M}"
    return f"{said} ({BellPeriod.Kind.NAP.label})" if kind == BellPeriod.Kind.NAP else said
