"""Who may change what, where and when; why not now, and when next. Decided purely: all that is known comes in as a question.

Reckoned in instants: what a clock shows becomes an instant through the site's own calendar, so a night with 23 or 25 hours
is no special case. The next time is searched from boundary to boundary of what stands in the way, never minute by minute.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from fleet.monitoring.rules.maintenance import Plan, occurrences
from fleet.sites.rules import Calendar, ExamSpan, exam_days
from fleet.sites.rules.clock import MIDNIGHT, ONE_DAY, SCHOOL_DAYS

HORIZON = timedelta(days=60)
"""What does not fit within two months is for people to plan."""
MOMENT = timedelta(seconds=1)
"""What interrupts nothing still happens at some moment."""
LONGEST_MARGIN_DAYS = 14


class Times(StrEnum):
    """When changes of a risk may happen."""

    ANY = "any"
    BETWEEN_LESSONS = "between-lessons"
    OUTSIDE_SCHOOL = "outside-school"
    WINDOWS = "windows"
    """Only in change windows and maintenance."""


class Exams(StrEnum):
    """What an exam at a site means for changes of a risk."""

    IGNORED = "ignored"
    DURING = "during"
    DAYS_AROUND = "days-around"


@dataclass(frozen=True)
class Rule:
    """What holds for changes of one risk."""

    risk: str
    times: Times
    exams: Exams = Exams.DAYS_AROUND
    exam_margin_days: int = 1
    """Whole days before and after; an exam's own buffer counts where it is longer."""
    naps: bool = True
    """Whether the hours in which children sleep are kept free."""
    harmless_s: int = -1
    """An interruption of at most so many seconds is none: then only freezes hold. -1: nothing is harmless."""
    around_school_min: int = 0
    """How long before the first and after the last bell it is still school, for `outside-school`."""


@dataclass(frozen=True)
class Frozen:
    begins_at: datetime
    ends_at: datetime
    reason: str


@dataclass(frozen=True)
class Place:
    """A touched site: its time, what is frozen there, and the windows that cover all touched devices there."""

    site_id: int
    name: str
    calendar: Calendar
    frozen: tuple[Frozen, ...] = ()
    windows: tuple[Plan, ...] = ()
    rules: tuple[Rule, ...] = ()
    """What its authority has agreed otherwise; a risk that is not among them is as everywhere."""


@dataclass(frozen=True)
class Question:
    risk: str
    disruption_s: int
    """How long something is away on one device; 0 when nothing is."""
    at: datetime
    places: tuple[Place, ...]
    later_s: int = 0
    """How long after the first device the last one has its turn."""
    planned: time | None = None
    """What each device's clock shows when something is away once more, for `planned_s`: a restart noted down."""
    planned_s: int = 0
    roles: frozenset[str] = frozenset()
    """What the person who asks holds where it happens."""
    may_run: frozenset[str] = frozenset()
    """The roles for which the playbook is; empty: everybody who may ask for changes."""
    overridden: bool = False
    """Two people have agreed that it may happen against the clock."""
    day_begins: time = time(7)
    day_ends: time = time(17)
    """The school day of a site whose bells nobody has told."""


@dataclass(frozen=True)
class Reason:
    """`key` is a word, pages say the sentence: role, lesson, nap, school-day, window, exam, frozen, no-calendar, overridden.

    `details`: {site_id, site, until, name, planned}, as far as they apply; `planned`: the instant it speaks of, unless
    that is the change itself. `blocks`: whether it stands in the way, or is only said.
    """

    key: str
    details: Mapping[str, Any] = field(default_factory=dict)
    blocks: bool = True


@dataclass(frozen=True)
class Answer:
    allowed: bool
    reasons: tuple[Reason, ...] = ()
    next_at: datetime | None = None
    """The earliest instant at which it may begin; `at` itself when it is allowed, None when there is none within 60 days."""


@dataclass(frozen=True)
class Span:
    """A stretch of time in which it may not happen, and why. From `begins_at` up to, but not at, `ends_at`."""

    begins_at: datetime
    ends_at: datetime
    key: str
    name: str = ""

    def meets(self, begin: datetime, end: datetime) -> bool:
        return self.begins_at < end and self.ends_at > begin


def verdict(question: Question, rules: Sequence[Rule]) -> Answer:
    """Whether it may happen at `question.at`, every reason why not, and the earliest time at which it may."""
    search = _Search(question, rules)
    begin = question.at.astimezone(UTC)
    warnings = [*_unknown(question)]
    if question.may_run and not question.roles & question.may_run:
        return Answer(allowed=False, reasons=(Reason("role"), *warnings))
    against = search.reasons(begin)
    if question.overridden and against:
        said = [Reason(one.key, one.details, blocks=False) for one in against]
        return Answer(True, (Reason("overridden", blocks=False), *said, *warnings), question.at)
    if not against:
        return Answer(True, tuple(warnings), question.at)
    return Answer(allowed=False, reasons=(*against, *warnings), next_at=search.next_start(begin))


def _unknown(question: Question) -> Iterator[Reason]:
    for place in question.places:
        if _assumed(place.calendar):
            yield Reason("no-calendar", {"site_id": place.site_id, "site": place.name}, blocks=False)


def _assumed(calendar: Calendar) -> bool:
    """A kindergarten that has told when its children sleep has told its day."""
    return not calendar.lessons and not calendar.naps


class _Search:
    """Walks over what stands in the way at all places; each day of each place is looked up once."""

    def __init__(self, question: Question, rules: Sequence[Rule]) -> None:
        self.question = question
        self.lasts = max(timedelta(seconds=question.later_s + question.disruption_s), MOMENT)
        self._rules = {place.site_id: _rule(question.risk, place.rules, rules) for place in question.places}
        self._days: dict[tuple[int, date], list[Span]] = {}

    def reasons(self, begin: datetime) -> list[Reason]:
        """One per place and kind of reason, the one that ends last."""
        found: list[Reason] = []
        for place in self.question.places:
            last: dict[str, Span] = {}
            for span in self._against(place, begin):
                known = last.get(span.key)
                last[span.key] = span if known is None or span.ends_at > known.ends_at else known
            found += [_reason(place, span) for span in last.values()]
            found += [_planned(_reason(place, span), moment) for moment, span in self._against_planned(place, begin)]
        return found

    def next_start(self, begin: datetime) -> datetime | None:
        """While anything meets [start, start + lasts), every start up to its end meets it too: so go on at that end."""
        start = begin
        while start <= begin + HORIZON:
            ends = [end for place in self.question.places for end in self._ends(place, start)]
            if not ends:
                return start
            start = max(ends)
        return None

    def _ends(self, place: Place, start: datetime) -> Iterator[datetime]:
        """Every start before one of these meets what stands in the way now, too."""
        yield from (span.ends_at for span in self._against(place, start))
        yield from (moment for moment, _span in self._against_planned(place, start))

    def _against_planned(self, place: Place, begin: datetime) -> Iterator[tuple[datetime, Span]]:
        """(when the clock shows what was planned, what it would fall into first)."""
        for moment in self._planned(place, begin):
            if span := next(
                self._meeting(place, moment, moment + timedelta(seconds=self.question.planned_s), planned=True), None
            ):
                yield moment, span

    def _planned(self, place: Place, begin: datetime) -> Iterator[datetime]:
        """The next time, and one more where it may have passed before the last device has its turn."""
        if self.question.planned is None:
            return
        day = place.calendar.local(begin).date() - ONE_DAY
        while (moment := place.calendar.instant(day, self.question.planned)) <= begin + self.lasts + ONE_DAY:
            if moment > begin:
                yield moment
                if moment > begin + self.lasts:
                    return
            day += ONE_DAY

    def _against(self, place: Place, begin: datetime) -> Iterator[Span]:
        yield from self._meeting(place, begin, begin + self.lasts)

    def _meeting(self, place: Place, begin: datetime, end: datetime, *, planned: bool = False) -> Iterator[Span]:
        for frozen in place.frozen:
            span = Span(frozen.begins_at, frozen.ends_at, "frozen", frozen.reason)
            if span.meets(begin, end):
                yield span
        away_s = self.question.planned_s if planned else self.question.disruption_s
        if away_s <= self._rules[place.site_id].harmless_s:
            return
        yield from self._exams(place, begin, end)
        yield from self._outside_windows(place, begin, end)

    def _exams(self, place: Place, begin: datetime, end: datetime) -> Iterator[Span]:
        rule = self._rules[place.site_id]
        if rule.exams is Exams.IGNORED:
            return
        for exam in place.calendar.exams:
            span = _exam_span(place.calendar, exam, rule)
            if span.meets(begin, end):
                yield span

    def _outside_windows(self, place: Place, begin: datetime, end: datetime) -> Iterator[Span]:
        spans = [span for day in _days(place.calendar, begin, end) for span in self._of_day(place, day)]
        spans = [span for span in spans if span.meets(begin, end)]
        if not spans:
            return
        first, last = min(span.begins_at for span in spans), max(span.ends_at for span in spans)
        open_ = [(one.begins_at, one.ends_at) for plan in place.windows for one in occurrences(plan, first, last)]
        yield from (rest for rest in without(spans, open_) if rest.meets(begin, end))

    def _of_day(self, place: Place, day: date) -> list[Span]:
        key = place.site_id, day
        if key not in self._days:
            self._days[key] = [*_kept_free(place.calendar, day, self._rules[place.site_id], self.question)]
        return self._days[key]


def _rule(risk: str, own: Iterable[Rule], usual: Iterable[Rule]) -> Rule:
    """A risk that nobody has described is treated as the strictest there is."""
    return next((rule for rule in (*own, *usual) if rule.risk == risk), Rule(risk, Times.WINDOWS))


def _reason(place: Place, span: Span) -> Reason:
    return Reason(
        span.key, {"site_id": place.site_id, "site": place.name, "until": span.ends_at.isoformat(), "name": span.name}
    )


def _planned(reason: Reason, moment: datetime) -> Reason:
    return replace(reason, details={**reason.details, "planned": moment.isoformat()})


def _exam_span(calendar: Calendar, exam: ExamSpan, rule: Rule) -> Span:
    if rule.exams is Exams.DURING:
        return Span(exam.begins_at, exam.ends_at, "exam", exam.name)
    days = min(max(exam.buffer_days, rule.exam_margin_days), LONGEST_MARGIN_DAYS)
    first, last = exam_days(calendar, exam, days)
    return Span(calendar.instant(first, MIDNIGHT), calendar.instant(last + ONE_DAY, MIDNIGHT), "exam", exam.name)


def _kept_free(calendar: Calendar, day: date, rule: Rule, question: Question) -> Iterator[Span]:
    """What a rule keeps free of changes on one day at one site."""
    if rule.times is Times.ANY:
        return
    if rule.times is Times.WINDOWS:
        yield Span(*calendar.span(day, MIDNIGHT, MIDNIGHT), "window")
        return
    if rule.times is Times.OUTSIDE_SCHOOL:
        yield from _school_day(calendar, day, rule, question)
    elif rule.times is Times.BETWEEN_LESSONS:
        yield from _lessons(calendar, day, question)
    if rule.naps and day not in calendar.free_days:
        naps = (nap for nap in calendar.naps if nap.weekday == day.weekday())
        yield from (Span(*calendar.span(day, nap.begins, nap.ends), "nap") for nap in naps)


def _school_day(calendar: Calendar, day: date, rule: Rule, question: Question) -> Iterator[Span]:
    if not calendar.lessons:
        yield from _assumed_day(calendar, day, question)
        return
    lessons = calendar.lessons_of(day)
    if lessons:
        around = timedelta(minutes=rule.around_school_min)
        yield Span(lessons[0].begins_at - around, max(one.ends_at for one in lessons) + around, "school-day")


def _lessons(calendar: Calendar, day: date, question: Question) -> Iterator[Span]:
    if _assumed(calendar):
        yield from _assumed_day(calendar, day, question)
    elif calendar.lessons:
        for one in calendar.lessons_of(day):
            yield Span(one.begins_at, one.ends_at, "lesson", str(one.number))


def _assumed_day(calendar: Calendar, day: date, question: Question) -> Iterator[Span]:
    if day.weekday() in SCHOOL_DAYS and day not in calendar.free_days:
        yield Span(*calendar.span(day, question.day_begins, question.day_ends), "school-day")


def _days(calendar: Calendar, begin: datetime, end: datetime) -> Iterator[date]:
    """The local days that [begin, end) touches, and one more before it: a day of school may reach over midnight."""
    day, last = calendar.local(begin).date() - ONE_DAY, calendar.local(end).date() + ONE_DAY
    while day <= last:
        yield day
        day += ONE_DAY


def without(spans: Iterable[Span], open_: Iterable[tuple[datetime, datetime]]) -> list[Span]:
    """What is left of the spans where the open stretches are taken out of them."""
    left = list(spans)
    for begins, ends in open_:
        left = [rest for span in left for rest in _cut(span, begins, ends)]
    return left


def _cut(span: Span, begins: datetime, ends: datetime) -> Iterator[Span]:
    if not span.meets(begins, ends):
        yield span
        return
    if span.begins_at < begins:
        yield Span(span.begins_at, begins, span.key, span.name)
    if span.ends_at > ends:
        yield Span(ends, span.ends_at, span.key, span.name)


def later_s(*, devices: int, at_once: int, expected_s: int) -> int:
    """How long the last of these devices waits for its turn where `at_once` of them are worked on together."""
    return max(0, math.ceil(devices / at_once) - 1) * expected_s


def disruption_s(*, risk: str, expected_s: int, restarts: bool, back_within_s: int) -> int:
    """How long something may be away: none where a low risk restarts nothing; otherwise the playbook's own time, and the
    time within which a restarted device must be back."""
    if risk == "low" and not restarts:
        return 0
    return expected_s + (back_within_s if restarts else 0)
