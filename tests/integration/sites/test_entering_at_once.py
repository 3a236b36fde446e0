"""A closure or an exam that two people enter at once is one (PostgreSQL)."""

from datetime import UTC, date, datetime

import pytest
from django.db import connection, transaction

from fleet.sites import services
from fleet.sites.models import ExamPeriod, FreePeriod
from tests.conftest import City
from tests.integration.sites.conftest import Meanwhile

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one write at a time"),
]


@pytest.mark.parametrize("everywhere", [False, True])
def test_a_closure(city: City, meanwhile: Meanwhile, *, everywhere: bool) -> None:
    where = services.Where(city.school_a, everywhere)
    closure = services.Closure("Schließtag", date(2026, 12, 23), date(2026, 12, 24))

    with transaction.atomic():
        first = services.enter_closure(where=where, closure=closure, by=city.administrator)
        second = meanwhile(lambda: services.enter_closure(where=where, closure=closure, by=city.administrator))

    assert second.result(timeout=30) == first
    assert FreePeriod.objects.get() == first


@pytest.mark.parametrize("everywhere", [False, True])
def test_an_exam(city: City, meanwhile: Meanwhile, *, everywhere: bool) -> None:
    where = services.Where(city.school_a, everywhere)
    exam = services.Exam("Abitur", datetime(2026, 5, 4, 8, tzinfo=UTC), datetime(2026, 5, 4, 13, tzinfo=UTC))

    with transaction.atomic():
        first = services.enter_exam(where=where, exam=exam, by=city.administrator)
        second = meanwhile(lambda: services.enter_exam(where=where, exam=exam, by=city.administrator))

    assert second.result(timeout=30) == first
    assert ExamPeriod.objects.get() == first
