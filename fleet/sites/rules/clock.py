"""What a school's day looks like. Clock times are local and daylight saving moves them; instants are aware datetimes.

No data never silences anything: a site that has told nothing has a school day from Monday to Friday.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)
MIDNIGHT = time(0)
SCHOOL_DAYS = range(5)
"""Monday to Friday, as `date.weekday()` counts."""
LOOK_AHEAD_DAYS = 400
"""A lesson that is further away than a school year is none."""


class Moment(StrEnum):
    LESSON = "lesson"
    BREAK = "break"
    OFF_HOURS = "off-hours"
    """A school day before the first or after the last bell."""
    FREE = "free"
    """A weekend, a holiday, a closure."""


@dataclass(frozen=True, slots=True)
class ClockSpan:
    """Local times; `ends` of 00:00 is the midnight at the end of the day."""

    begins: time
    ends: time


@dataclass(frozen=True, slots=True)
class Bell:
    """A lesson of a weekday (Monday is 0), local time."""

    weekday: int
    number: int
    begins: time
    ends: time


@dataclass(frozen=True, slots=True)
class LessonSpan:
    """A lesson on one day: from `begins_at` up to, but not at, `ends_at`."""

    number: int
    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class ExamSpan:
    """An exam, and how many whole days before and after it count too."""

    name: str
    begins_at: datetime
    ends_at: datetime
    buffer_days: int = 0


@dataclass(frozen=True, slots=True)
class ServiceHours:
    """When somebody works for a site: spans by weekday (Monday is 0); on free days too only where that is agreed."""

    week: Mapping[int, tuple[ClockSpan, ...]]
    on_free_days: bool = False


USUAL_HOURS = ServiceHours(dict.fromkeys(SCHOOL_DAYS, (ClockSpan(time(8), time(16)),)))
ASSUMED_LESSONS = tuple(Bell(weekday, 1, time(8), time(16)) for weekday in SCHOOL_DAYS)
"""Where no bells are known, the whole of a usual school day counts as lessons: nothing is played down by mistake."""


@dataclass(frozen=True)
class Calendar:
    """All that is known of a site's time."""

    timezone: str = "Europe/Berlin"
    lessons: tuple[Bell, ...] = ()
    free_days: Mapping[date, str] = field(default_factory=dict)
    """Holidays and closures with their names; weekends are not among them."""
    exams: tuple[ExamSpan, ...] = ()
    naps: tuple[Bell, ...] = ()
    """When children sleep: nobody should come then."""
    hours: ServiceHours = USUAL_HOURS
    known_until: date | None = None
    """The last day for which somebody said which days are free; after it every weekday is a school day. None: nobody has."""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def bells_are_assumed(self) -> bool:
        return not self.lessons

    def local(self, at: datetime) -> datetime:
        return at.astimezone(self.zone)

    def instant(self, day: date, clock: time) -> datetime:
        """When the clock shows this there. A time that daylight saving skips is taken an hour later."""
        return datetime.combine(day, clock, tzinfo=self.zone).astimezone(UTC)

    def span(self, day: date, begins: time, ends: time) -> tuple[datetime, datetime]:
        """As instants; an end at midnight is the end of the day."""
        last_day = day + ONE_DAY if ends == MIDNIGHT else day
        return self.instant(day, begins), self.instant(last_day, ends)

    def bells(self, weekday: int) -> list[Bell]:
        """The lessons of a weekday in order; the usual school day where nobody has told any."""
        known = self.lessons or ASSUMED_LESSONS
        return sorted((bell for bell in known if bell.weekday == weekday), key=lambda bell: bell.begins)

    def why_free(self, day: date) -> str | None:
        """The name of what makes it free; an empty one for a day of the week without lessons; None for a school day."""
        name = self.free_days.get(day)
        if name is not None:
            return name
        return None if self.bells(day.weekday()) else ""

    def is_known(self, day: date) -> bool:
        return self.known_until is not None and day <= self.known_until

    def lessons_of(self, day: date) -> list[LessonSpan]:
        if self.why_free(day) is not None:
            return []
        return [LessonSpan(bell.number, *self.span(day, bell.begins, bell.ends)) for bell in self.bells(day.weekday())]


def moment(calendar: Calendar, at: datetime) -> Moment:
    """What kind of time it is at this site."""
    day = calendar.local(at).date()
    lessons = calendar.lessons_of(day)
    if not lessons:
        return Moment.FREE
    if at < lessons[0].begins_at or at >= max(lesson.ends_at for lesson in lessons):
        return Moment.OFF_HOURS
    return Moment.LESSON if any(_holds(lesson, at) for lesson in lessons) else Moment.BREAK


def _holds(span: LessonSpan | ExamSpan, at: datetime) -> bool:
    return span.begins_at <= at < span.ends_at


def in_exam(calendar: Calendar, at: datetime) -> bool:
    """Whether an exam is going on, the days around it included."""
    return any(_within_exam(calendar, exam, at) for exam in calendar.exams)


def _within_exam(calendar: Calendar, exam: ExamSpan, at: datetime) -> bool:
    if not exam.buffer_days:
        return _holds(exam, at.astimezone(UTC))
    first, last = exam_days(calendar, exam, exam.buffer_days)
    return first <= calendar.local(at).date() <= last


def exam_days(calendar: Calendar, exam: ExamSpan, around_days: int) -> tuple[date, date]:
    """(first, last) of its days and of those around. What ends at midnight has nothing of the day that begins then."""
    around, until = timedelta(days=around_days), exam.ends_at - timedelta.resolution
    return calendar.local(exam.begins_at).date() - around, calendar.local(until).date() + around


def in_nap(calendar: Calendar, at: datetime) -> bool:
    local = calendar.local(at)
    if calendar.why_free(local.date()) is not None:
        return False
    return any(nap.weekday == local.weekday() and nap.begins <= local.time() < nap.ends for nap in calendar.naps)


def lessons_between(calendar: Calendar, begin: datetime, end: datetime) -> list[LessonSpan]:
    """Every lesson of which at least a moment lies in [begin, end), in order, whole."""
    found = (lesson for day in _days(calendar, begin, end) for lesson in calendar.lessons_of(day))
    return [lesson for lesson in found if lesson.begins_at < end and lesson.ends_at > begin]


def _days(calendar: Calendar, begin: datetime, end: datetime) -> Iterator[date]:
    day, last = calendar.local(begin).date(), calendar.local(end).date()
    while day <= last:
        yield day
        day += ONE_DAY


def next_lesson(calendar: Calendar, at: datetime) -> LessonSpan | None:
    """The first lesson that begins at `at` or later; None if none does within about a year."""
    for day in _days(calendar, at, at + timedelta(days=LOOK_AHEAD_DAYS)):
        for lesson in calendar.lessons_of(day):
            if lesson.begins_at >= at:
                return lesson
    return None
