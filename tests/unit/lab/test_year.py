"""The demo city's year follows the date on which it is looked at."""

from datetime import date, time

import pytest

from fleet.lab.city import demo_city, school_year

CITY = demo_city()


@pytest.mark.parametrize(
    ("today", "monday"),
    [
        (date(2026, 11, 25), date(2027, 5, 3)),
        (date(2027, 8, 31), date(2027, 5, 3)),
        (date(2027, 9, 1), date(2028, 5, 1)),
    ],
)
def test_exams_are_in_the_first_whole_week_of_may(today: date, monday: date) -> None:
    (finals,) = school_year(CITY, today).exams

    assert (finals.begins.date(), finals.begins.time()) == (monday, time(8))
    assert finals.ends.weekday() == 4


def test_kindergartens_close_and_nothing_is_updated_in_school_time() -> None:
    year = school_year(CITY, date(2026, 11, 25))

    assert {closure.site for closure in year.closures} == {"kieselstein", "purzelbaum"}
    assert [(one.begins.weekday(), one.begins.hour) for one in year.upkeep] == [(6, 3)]
