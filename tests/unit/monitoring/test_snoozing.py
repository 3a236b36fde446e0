"""Until when. Lessons from Monday to Friday, 8 to 16 o'clock in Berlin."""

from datetime import UTC, date, datetime

import pytest

from fleet.monitoring.rules.snoozing import Choice, until
from fleet.sites.rules import Calendar

CALENDAR = Calendar(free_days={date(2026, 11, 30): "Lehrerausflug"})


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("choice", "day", "now", "expected"),
    [
        pytest.param(Choice.HOUR, None, at(25, 9), at(25, 10), id="in an hour"),
        pytest.param(Choice.SCHOOL_DAY, None, at(25, 9), at(26, 6), id="tomorrow"),
        pytest.param(Choice.SCHOOL_DAY, None, at(25, 5), at(25, 6), id="this morning is still to come"),
        pytest.param(Choice.SCHOOL_DAY, None, at(25, 6, 30), at(26, 6), id="seven is over, lessons have not begun"),
        pytest.param(Choice.SCHOOL_DAY, None, at(27, 15), datetime(2026, 12, 1, 6, tzinfo=UTC), id="weekend and outing"),
        pytest.param(Choice.DATE, date(2026, 11, 28), at(25, 9), at(28, 6), id="a day"),
        pytest.param(Choice.DATE, date(2026, 11, 25), at(25, 9), None, id="today is begun"),
        pytest.param(Choice.DATE, date(2027, 11, 25), at(25, 9), None, id="next year"),
        pytest.param(Choice.DATE, None, at(25, 9), None, id="no day"),
    ],
)
def test_until(choice: Choice, day: date | None, now: datetime, expected: datetime | None) -> None:
    assert until(choice, day, CALENDAR, now) == expected
