"""Calendars as the rest of the house reads them: from the federal state, the authority and the site, in few queries."""

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from fleet.events.models import Event
from fleet.sites import selectors, services
from fleet.sites.models import BellPeriod, ExamPeriod, FreePeriod, ServicePeriod, Site
from fleet.sites.rules import Moment, in_exam, moment
from tests.conftest import City

TODAY = date(2026, 6, 1)
BERLIN = ZoneInfo("Europe/Berlin")


def free(city: City, day: date) -> str | None:
    return selectors.calendars(site_ids=[city.school_a.pk], today=TODAY)[city.school_a.pk].free_days.get(day)


@pytest.mark.parametrize(
    ("state", "day", "name"),
    [
        ("BY", date(2026, 1, 6), "Heilige Drei Könige"),
        ("BY", date(2026, 8, 10), "Sommerferien"),
        ("BY", date(2026, 8, 15), "Mariä Himmelfahrt"),
        ("BY", date(2026, 11, 18), "Buß- und Bettag"),  # pupils are free, though it is no public holiday
        ("BY", date(2026, 10, 31), None),
        ("NW", date(2026, 11, 18), None),
        ("SN", date(2026, 11, 18), "Buß- und Bettag"),
        ("SN", date(2026, 10, 31), "Reformationstag"),
        ("SN", date(2026, 6, 4), None),  # Corpus Christi only in a few municipalities
        ("BE", date(2026, 3, 9), None),
    ],
)
def test_holidays_of_the_federal_state(city: City, state: str, day: date, name: str | None) -> None:
    Site.objects.filter(pk=city.school_a.pk).update(federal_state=state)

    assert free(city, day) == name


@pytest.mark.parametrize(
    ("state", "catholic", "day", "is_free"),
    [
        ("BY", None, date(2026, 8, 15), True),
        ("BY", False, date(2026, 8, 15), False),
        ("SN", True, date(2026, 6, 4), True),
        ("SN", None, date(2026, 6, 4), False),
    ],
)
def test_catholic_feast_days(city: City, state: str, catholic: bool | None, day: date, is_free: bool) -> None:
    changes = {"federal_state": state, "catholic_holidays": catholic, "kind": Site.Kind.KINDERGARTEN}
    Site.objects.filter(pk=city.school_a.pk).update(**changes)

    assert (free(city, day) is not None) is is_free


def test_a_kindergarten_has_closures_and_no_school_holidays(city: City) -> None:
    Site.objects.filter(pk=city.school_a.pk).update(kind=Site.Kind.KINDERGARTEN)
    assert free(city, date(2026, 8, 10)) is None
    assert free(city, date(2026, 11, 18)) is None

    closure = services.Closure("Sommerschließung", date(2026, 8, 10), date(2026, 8, 28))
    services.enter_closure(where=services.Where(city.school_a), closure=closure, by=city.administrator)

    assert free(city, date(2026, 8, 10)) == free(city, date(2026, 8, 28)) == "Sommerschließung"
    assert free(city, date(2026, 8, 29)) is None


def test_how_far_anything_is_known(city: City) -> None:
    Site.objects.filter(pk=city.school_b.pk).update(kind=Site.Kind.KINDERGARTEN)

    known = selectors.calendars(site_ids=[city.school_a.pk, city.school_b.pk], today=TODAY)

    assert known[city.school_b.pk].known_until is None
    school = known[city.school_a.pk]
    assert school.known_until is not None
    assert school.is_known(date(2027, 7, 1))
    assert not school.is_known(date(2031, 7, 1))
    assert moment(school, datetime(2031, 8, 4, 8, 10, tzinfo=BERLIN)) is Moment.LESSON  # no data: a school day


def test_many_sites_cost_as_few_queries(city: City, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(6):
        selectors.calendars(site_ids=[city.school_a.pk])
    with django_assert_num_queries(6):
        assert len(selectors.calendars(site_ids=[city.school_a.pk, city.school_b.pk])) == 2


def test_what_is_entered_twice_is_one_and_told_once(city: City) -> None:
    where = services.Where(city.school_a)
    closure = services.Closure("Wasserschaden", date(2026, 6, 3), date(2026, 6, 3))
    exam = services.Exam("Abitur", datetime(2026, 5, 4, 8, tzinfo=BERLIN), datetime(2026, 5, 4, 13, tzinfo=BERLIN), 1)
    for _again in range(2):
        row = services.enter_closure(where=where, closure=closure, by=city.administrator)
        held = services.enter_exam(where=where, exam=exam, by=city.administrator)

    known = selectors.calendars(site_ids=[city.school_a.pk], today=TODAY)[city.school_a.pk]
    assert in_exam(known, datetime(2026, 5, 3, 12, tzinfo=BERLIN))
    assert services.remove_closure(closure=row, by=None)
    assert not services.remove_closure(closure=row, by=None)
    assert services.remove_exam(exam=held, by=None)
    assert [event.name for event in Event.objects.filter(name__startswith="calendar.").order_by("pk")] == [
        "calendar.closure-entered",
        "calendar.exam-entered",
        "calendar.closure-removed",
        "calendar.exam-removed",
    ]


def test_what_stands_there_twice_from_before_is_entered_again(city: City) -> None:
    where = services.Where(city.school_a)
    closure = services.Closure("Wasserschaden", date(2026, 6, 3), date(2026, 6, 3))
    exam = services.Exam("Abitur", datetime(2026, 5, 4, 8, tzinfo=BERLIN), datetime(2026, 5, 4, 13, tzinfo=BERLIN), 1)
    FreePeriod.objects.bulk_create(FreePeriod(**where.columns, **vars(closure), kind="closure") for _twice in range(2))
    ExamPeriod.objects.bulk_create(ExamPeriod(**where.columns, **vars(exam)) for _twice in range(2))

    assert services.enter_closure(where=where, closure=closure, by=None) == FreePeriod.objects.order_by("pk").first()
    assert services.enter_exam(where=where, exam=exam, by=None) == ExamPeriod.objects.order_by("pk").first()


def test_habits_of_a_site(city: City) -> None:
    habits = services.Habits("SN", catholic_holidays=True, hours=[(0, time(7), time(0)), (5, time(9), time(12))])
    services.set_habits(site=city.school_a, habits=habits, by=city.administrator)

    known = selectors.calendars(site_ids=[city.school_a.pk], today=TODAY)[city.school_a.pk]
    assert sorted(known.hours.week) == [0, 5]
    assert known.free_days[date(2026, 6, 4)] == "Fronleichnam"


@pytest.mark.parametrize(
    "impossible",
    [
        lambda scope: BellPeriod.objects.create(**scope, weekday=7, number=9, starts_at=time(8), ends_at=time(9)),
        lambda scope: BellPeriod.objects.create(**scope, weekday=0, number=9, starts_at=time(9), ends_at=time(9)),
        lambda scope: BellPeriod.objects.create(**scope, weekday=0, number=1, starts_at=time(8), ends_at=time(9)),
        lambda scope: ServicePeriod.objects.create(**scope, weekday=0, opens_at=time(9), closes_at=time(8)),
        lambda scope: FreePeriod.objects.create(
            **scope, kind="closure", name="x", first_day=date(2026, 1, 2), last_day=date(2026, 1, 1)
        ),
        lambda scope: ExamPeriod.objects.create(
            **scope, name="x", starts_at=datetime(2026, 1, 2, tzinfo=BERLIN), ends_at=datetime(2026, 1, 2, tzinfo=BERLIN)
        ),
        lambda scope: ExamPeriod.objects.create(
            **scope,
            name="x",
            starts_at=datetime(2026, 1, 2, tzinfo=BERLIN),
            ends_at=datetime(2026, 1, 3, tzinfo=BERLIN),
            buffer_days=15,
        ),
    ],
)
def test_what_cannot_be_is_not_kept(city: City, impossible: Callable[[dict[str, Any]], Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        impossible({"authority": city.authority, "site": city.school_a})


def test_what_holds_everywhere_is_seen_at_each_school_and_nothing_of_another_one(city: City, client: Client) -> None:
    days = date(2026, 6, 3), date(2026, 6, 3)
    for site, everywhere in ((city.school_a, True), (city.school_b, False)):
        where = services.Where(site, everywhere=everywhere)
        services.enter_closure(where=where, closure=services.Closure(f"von {site}", *days), by=None)

    assert [row.name for row in FreePeriod.objects.visible_to(city.coordinator_a)] == ["von Schule A"]
    assert [row.name for row in FreePeriod.objects.visible_to(city.coordinator_b)] == ["von Schule A", "von Schule B"]
    assert not FreePeriod.objects.visible_to(city.stranger).exists()
