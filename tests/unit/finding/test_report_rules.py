"""What reports reckon, on tables of cases."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from fleet.sites.rules.clock import LessonSpan
from helpdesk.finding import report_rules as rules
from helpdesk.finding.report_rules import Facts, Month, Share

BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def facts(
    answered_h: float | None = None, resolved_h: float | None = None, *, site: str = "A", by_playbook: bool = False
) -> Facts:
    return Facts("2026-03", site, "Problem", ("W6",), answered_h, resolved_h, by_playbook)


@pytest.mark.parametrize(
    ("known", "limit_h", "share"),
    [
        ([], 4, Share(0, 0)),
        ([facts(1), facts(4), facts(5), facts()], 4, Share(2, 4)),
        ([facts(None, 2)], 4, Share(1, 1)),
    ],
)
def test_answered_within(known: list[Facts], limit_h: float, share: Share) -> None:
    assert rules.answered_within(known, [limit_h]) == [share]


def test_the_share_of_playbooks_is_of_the_resolved_ones() -> None:
    known = [facts(1, 2, by_playbook=True), facts(1, 3), facts(1, None, by_playbook=True)]

    assert rules.by_playbook(known) == Share(1, 2)
    assert rules.by_playbook(known).percent == 50
    assert Share(0, 0).percent is None


def test_times_by_school_the_slowest_first() -> None:
    known = [*(facts(1, h, site="A") for h in range(1, 11)), facts(1, 100, site="B"), facts(1, None, site="C")]

    rows = rules.times(known, lambda one: [one.site])

    assert [(row.label, row.count, row.median_h, row.slowest_tenth_h) for row in rows] == [
        ("B", 1, 100, 100),
        ("A", 10, 5.5, 9),
    ]


def test_months_are_local() -> None:
    months = rules.Months(date(2025, 12, 30), date(2026, 3, 2), ZoneInfo("Europe/Berlin"))

    said = {
        at: months.label(datetime.fromisoformat(at).timestamp())
        for at in ("2025-12-31T22:59:59Z", "2025-12-31T23:00Z", "2026-02-28T22:59Z", "2026-02-28T23:00Z")
    }

    assert list(said.values()) == ["2025-12", "2026-01", "2026-02", "2026-03"]


def test_months_by_when_a_ticket_was_opened() -> None:
    assert rules.months([facts(1, 2), facts(), facts()._replace(month="2026-02")]) == [
        Month("2026-02", 1, 0),
        Month("2026-03", 2, 1),
    ]


def at(minutes: int) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("spans", "minutes"),
    [
        ([], 0),
        ([(0, 45)], 45),
        ([(-30, 10), (5, 20)], 20),
        ([(45, 50)], 0),
        ([(30, 60)], 15 + 10),
    ],
)
def test_minutes_of_lessons(spans: list[tuple[int, int]], minutes: float) -> None:
    lessons = [LessonSpan(1, at(0), at(45)), LessonSpan(2, at(50), at(95))]

    lost = rules.minutes_within(
        [(at(begin), at(end)) for begin, end in spans],
        lambda begin, end: [one for one in lessons if one.begins_at < end and one.ends_at > begin],
    )

    assert lost == minutes
