"""What the school day makes of a fault: how much it weighs, and where it stands in the list."""

from datetime import UTC, datetime, time

import pytest

from fleet.monitoring.rules import severity
from fleet.monitoring.rules.ranking import Affected, Damage, examined, lessons_hit, lessons_left, rank
from fleet.monitoring.rules.severity import adjusted, of_silence, worse
from fleet.sites.rules import Bell, Calendar, ExamSpan, Moment

LESSON, BREAK, EVENING, FREE = Moment.LESSON, Moment.BREAK, Moment.OFF_HOURS, Moment.FREE
EXAM = ExamSpan("Abitur", datetime(2026, 11, 25, 7, tzinfo=UTC), datetime(2026, 11, 25, 11, tzinfo=UTC))
WEDNESDAY = Calendar(
    lessons=tuple(Bell(2, number, time(7 + number), time(7 + number, 45)) for number in range(1, 7)), exams=(EXAM,)
)


@pytest.mark.parametrize(
    ("base", "moment", "hits", "clock", "expected"),
    [
        ("critical", LESSON, True, False, "critical"),
        ("warning", LESSON, True, False, "critical"),
        ("warning", LESSON, False, False, "warning"),
        ("critical", BREAK, True, False, "critical"),
        ("critical", EVENING, True, False, "warning"),
        ("warning", FREE, False, False, "info"),
        ("info", FREE, False, False, "info"),
        ("critical", FREE, False, True, "critical"),
    ],
)
def test_adjusted(base: str, moment: Moment, expected: str, *, hits: bool, clock: bool) -> None:
    assert adjusted(base, moment, hits_lessons=hits, around_the_clock=clock) == expected


@pytest.mark.parametrize(("kind", "expected"), [("switch", "critical"), ("server", "critical"), ("printer", "warning")])
def test_silence_weighs_by_what_hangs_on_a_device(kind: str, expected: str) -> None:
    assert of_silence(kind) == expected
    assert worse("critical", "warning")
    assert not worse("info", severity.Severity.INFO)


def test_the_order_of_the_list() -> None:
    worst_first = [
        Damage("info", exam=True),
        Damage("warning", lessons=40),
        Damage("critical", lessons=39, behind=5000),
        Damage("critical", behind=3),
        Damage("critical", behind=2),
        Damage("warning", behind=900),
        Damage("info"),
    ]
    assert sorted(worst_first, key=rank, reverse=True) == worst_first


@pytest.mark.parametrize(
    ("kind", "affected", "expected"),
    [
        ("unreachable", [Affected("access-point", 1)], 4),
        ("unreachable", [Affected("switch", None), Affected("access-point", 1), Affected("access-point", 2)], 8),
        ("unreachable", [Affected("access-point", 1), Affected("access-point", 1)], 4),
        ("unreachable", [Affected("printer", 1)], 0),
        ("supply_percent", [Affected("printer", 1)], 0),
        ("temperature_c", [Affected("switch", 1)], 0),
        ("silent-access-point", [Affected("access-point", 1)], 4),
        ("unreachable", [], 0),
    ],
)
def test_lessons_hit(kind: str, affected: list[Affected], expected: int) -> None:
    assert lessons_hit(kind, affected, 4) == expected


@pytest.mark.parametrize(
    ("hour_utc", "expected"),
    [(5, 6), (7, 6), (8, 5), (12, 1), (13, 0), (22, 0)],
)
def test_lessons_left_today(hour_utc: int, expected: int) -> None:
    """Lessons begin at 8, 9, … 13 o'clock in Berlin, an hour ahead."""
    assert lessons_left(WEDNESDAY, datetime(2026, 11, 25, hour_utc, tzinfo=UTC)) == expected


def test_during_an_exam() -> None:
    assert examined(WEDNESDAY, datetime(2026, 11, 25, 8, tzinfo=UTC))
    assert not examined(WEDNESDAY, datetime(2026, 11, 25, 12, tzinfo=UTC))
