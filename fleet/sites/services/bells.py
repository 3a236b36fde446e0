"""The lessons and naps of a site's week, and when somebody works for it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import time

from django.db import transaction
from django.db.models import F

from fleet.events.services import Fact, emit
from fleet.people.models import User
from fleet.sites.models import BellPeriod, ServicePeriod, Site
from fleet.sites.rules.clock import SCHOOL_DAYS
from fleet.sites.rules.table import bell, bell_parts
from fleet.sites.rules.told import Difference, Told, difference


@dataclass(frozen=True)
class Lesson:
    number: int
    starts_at: time
    ends_at: time


def set_bell(*, site: Site, lessons: Iterable[Lesson], weekdays: Iterable[int] = SCHOOL_DAYS) -> None:
    """The lessons of these weekdays, local time; what was set before, on any day, is replaced. Naps stay."""
    known = list(lessons)
    days = [bell("lesson", day, one.number, one.starts_at, one.ends_at) for day in weekdays for one in known]
    with transaction.atomic():
        naps = [one for one in week(site=site) if bell_parts(one)[0] == BellPeriod.Kind.NAP]
        replace_bells(site=site, told=[*days, *naps])


def set_week(*, site: Site, told: Iterable[Told], by: User | None) -> Difference:
    """All bells of the site, as `table.read` gives them; says so if that changes anything."""
    with transaction.atomic():
        found = replace_bells(site=site, told=told)
        if not found.nothing:
            payload = {"added": len(found.added), "removed": len(found.removed), "changed": len(found.changed)}
            emit(Fact("calendar.bells-changed", site, site.authority_id, site.pk, by.pk if by else None, payload))
    return found


def week(*, site: Site) -> list[Told]:
    """The bells of the site as a file would tell them."""
    rows = BellPeriod.objects.filter(site=site)
    return [bell(row.kind, row.weekday, row.number, row.starts_at, row.ends_at) for row in rows]


def replace_bells(*, site: Site, told: Iterable[Told]) -> Difference:
    """In the caller's transaction."""
    Site.objects.select_for_update(no_key=True).get(pk=site.pk)  # one at a time, or two would add up
    wanted = list(told)
    found = difference(week(site=site), wanted)
    if not found.nothing:
        BellPeriod.objects.filter(site=site).delete()
        BellPeriod.objects.bulk_create(_row(site, one) for one in wanted)
    return found


def _row(site: Site, one: Told) -> BellPeriod:
    kind, weekday, number = bell_parts(one)
    return BellPeriod(
        authority_id=site.authority_id,
        site=site,
        kind=kind,
        weekday=weekday,
        number=number,
        starts_at=one.begins,
        ends_at=one.ends,
    )


@dataclass(frozen=True)
class Habits:
    """What of the law and of agreements applies to a site. `hours`: (weekday, opens, closes); none: the usual ones."""

    federal_state: str
    catholic_holidays: bool | None
    hours: Collection[tuple[int, time, time]] = ()


def set_habits(*, site: Site, habits: Habits, by: User | None) -> None:
    rows = [
        ServicePeriod(authority_id=site.authority_id, site=site, weekday=weekday, opens_at=opens, closes_at=closes)
        for weekday, opens, closes in habits.hours
    ]
    with transaction.atomic():
        site.federal_state, site.catholic_holidays = habits.federal_state, habits.catholic_holidays
        chosen = {"federal_state": habits.federal_state, "catholic_holidays": habits.catholic_holidays}
        Site.objects.filter(pk=site.pk).update(**chosen, version=F("version") + 1)
        ServicePeriod.objects.filter(site=site).delete()
        ServicePeriod.objects.bulk_create(rows)
        payload = {"federal_state": habits.federal_state, "catholic_holidays": habits.catholic_holidays}
        emit(Fact("calendar.habits-changed", site, site.authority_id, site.pk, by.pk if by else None, payload))
