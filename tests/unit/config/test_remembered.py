"""The tests' own furniture: what is written again is what was made."""

from datetime import datetime
from typing import Any

import pytest

from fleet.events.models import Event
from fleet.sites import services as sites
from fleet.sites.models import Authority
from tests import database, remembered
from tests.conftest import City, make_city
from tests.remembered import Remembered

pytestmark = pytest.mark.django_db


def rows() -> dict[str, list[tuple[Any, ...]]]:
    """All that stands in the database; of times, only that there is one."""
    return {
        table: sorted((tuple("time" if isinstance(one, datetime) else one for one in row) for row in written), key=repr)
        for table, (_columns, written) in ((table, remembered._read(table)) for table in database.filled())
    }


def test_a_city_is_the_same_again_and_younger() -> None:
    city, found, told_at = Remembered(make_city), [], []
    for _ in range(2):
        with database.taken_back():
            made = city()
            assert made.switch_a.site is made.school_a
            found.append((rows(), made.switch_a, made.snmp.secret))
            told_at.append(Event.objects.earliest("pk").occurred_at)

    assert found[0] == found[1]
    assert told_at[0] < told_at[1]


def test_where_something_stands_already_it_is_made(city: City) -> None:
    remember = Remembered(lambda: sites.create_authority(name="Stadt Neuhafen"))

    with database.taken_back():
        remember()
    remember()

    assert Authority.objects.count() == 2
