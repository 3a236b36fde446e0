"""What of calendars is read, each in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.db.models import QuerySet
from django.utils import timezone, translation

from fleet.sites.models import BellPeriod, CalendarFeed, ExamPeriod, FreePeriod, ServicePeriod, Site
from fleet.sites.models.calendar import Content
from fleet.sites.rules import free, state_holidays
from fleet.sites.rules.clock import USUAL_HOURS, Bell, Calendar, ClockSpan, ExamSpan, ServiceHours
from fleet.sites.rules.free import Coverage, Entry, Rules, Source
from fleet.sites.rules.state_holidays import FreeSpan

REACH = timedelta(days=2 * 366)
"""How far back a calendar knows what was entered; what is older explains nothing any more."""


def calendars(*, site_ids: Collection[int], today: date | None = None) -> dict[int, Calendar]:
    """{site: its calendar}. Six queries for any number of sites; a site without any data has school days."""
    sites = Site.objects.filter(pk__in=site_ids)
    return {pk: facts.calendar() for pk, facts in _facts(sites, today or timezone.localdate()).items()}


def free_entries(*, site: Site, today: date | None = None) -> list[Entry]:
    """Everything that makes days free at a site, by its first day. Four queries."""
    facts = _Facts(site, today or timezone.localdate())
    _add_entered({site.pk: facts}, [site])
    return sorted(facts.entries(), key=lambda entry: (entry.span.first_day, entry.span.last_day))


@dataclass
class _Facts:
    """What the tables say about one site."""

    site: Site
    today: date
    lessons: list[Bell] = field(default_factory=list)
    naps: list[Bell] = field(default_factory=list)
    week: defaultdict[int, list[ClockSpan]] = field(default_factory=lambda: defaultdict(list))
    exams: list[ExamSpan] = field(default_factory=list)
    entered: list[Entry] = field(default_factory=list)
    covered: list[Coverage] = field(default_factory=list)

    @property
    def rules(self) -> Rules:
        catholic = state_holidays.catholic_applies(self.site.federal_state, self.site.catholic_holidays)
        return Rules(self.site.federal_state, self.site.kind == Site.Kind.SCHOOL, catholic)

    def entries(self) -> list[Entry]:
        language = (translation.get_language() or "de")[:2]
        return [*free.by_law(self.rules, self.today.year, self.covered, language), *self.entered]

    def calendar(self) -> Calendar:
        closures = [entry.span.last_day for entry in self.entered if entry.closure]
        hours = ServiceHours({day: tuple(spans) for day, spans in self.week.items()}) if self.week else USUAL_HOURS
        return Calendar(
            timezone=self.site.timezone,
            lessons=tuple(self.lessons),
            naps=tuple(self.naps),
            free_days=free.days(self.entries()),
            exams=tuple(self.exams),
            hours=hours,
            known_until=free.known_until(self.rules, self.today.year, self.covered, max(closures, default=None)),
        )

    def add_bell(self, row: BellPeriod) -> None:
        among = self.naps if row.kind == BellPeriod.Kind.NAP else self.lessons
        among.append(Bell(row.weekday, row.number, row.starts_at, row.ends_at))

    def add_free(self, row: FreePeriod) -> None:
        closure = row.kind == FreePeriod.Kind.CLOSURE
        if closure or self.rules.school:
            span = FreeSpan(row.name, row.first_day, row.last_day)
            source = Source.FILE if row.feed_id else Source.HAND
            self.entered.append(Entry(span, source, closure, row.pk, everywhere=row.site_id is None))


def _facts(sites: QuerySet[Site], today: date) -> dict[int, _Facts]:
    known = {site.pk: _Facts(site, today) for site in sites}
    for bell in BellPeriod.objects.filter(site__in=known):
        known[bell.site_id].add_bell(bell)
    for hours in ServicePeriod.objects.filter(site__in=known):
        known[hours.site_id].week[hours.weekday].append(ClockSpan(hours.opens_at, hours.closes_at))
    rows = [facts.site for facts in known.values()]
    since = today - REACH
    for exam in ExamPeriod.objects.of_sites(rows).filter(ends_at__date__gte=since):
        for facts in _those(known, exam.site_id, exam.authority_id):
            facts.exams.append(ExamSpan(exam.name, exam.starts_at, exam.ends_at, exam.buffer_days))
    _add_entered(known, rows)
    return known


def _add_entered(known: dict[int, _Facts], sites: list[Site]) -> None:
    since = min((facts.today for facts in known.values()), default=timezone.localdate()) - REACH
    for row in FreePeriod.objects.of_sites(sites).filter(last_day__gte=since):
        for facts in _those(known, row.site_id, row.authority_id):
            facts.add_free(row)
    feeds = CalendarFeed.objects.of_sites(sites).filter(content=Content.HOLIDAYS)
    for feed in feeds:
        for facts in _those(known, feed.site_id, feed.authority_id):
            if feed.covers_from and feed.covers_until:
                facts.covered.append(Coverage(feed.covers_from, feed.covers_until))


def _those(known: dict[int, _Facts], site_id: int | None, authority_id: int) -> Iterable[_Facts]:
    """The site itself, or every site of the authority."""
    if site_id is not None:
        return [known[site_id]]
    return [facts for facts in known.values() if facts.site.authority_id == authority_id]
