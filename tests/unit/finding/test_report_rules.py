"""What reports reckon, on tables of cases."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from fleet.sites.rules.clock import LessonSpan
from helpdesk.finding import report_rules as rules
from helpdesk.finding.report_rules import Facts, Share

BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def facts(
    answered_h: float | None = None, resolved_h: float | None = None, *, site: str = "A", by_playbook: bool = False
) -> Facts:
    after = [None if h is None else BEGIN + timedelta(hours=h) for h in (answered_h, resolved_h)]
    return Facts(BEGIN, site, "Problem", ("W6",), after[0], after[1], by_playbook)


@pytest.mark.parametrize(
    ("known", "limit_h", "share"),
    [
        ([], 4, Share(0, 0)),
        ([facts(1), facts(4), facts(5), facts()], 4, Share(2, 4)),
        ([facts(None, 2)], 4, Share(1, 1)),
    ],
)
def test_answered_within(known: list[Facts], limit_h: float, share: Share) -> None:
    assert rules.answered_within(known, limit_h) == share


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
    late = Facts(datetime(2026, 2, 28, 23, 30, tzinfo=UTC), "A", "x", (), None, None, by_playbook=False)

    (month,) = rules.months([late, facts(1, 2)], ZoneInfo("Europe/Berlin"))

    assert (month.label, month.opened, month.resolved) == ("2026-03", 2, 1)


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


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+49 8222", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", '=HYPERLINK("x")',
        "\uff1d1+1", "\uff0b49 8222", "\uff0d1", "\uff20SUM(A1)", "  \uff1d1",
    ],
)  # fmt: skip
def test_no_text_begins_a_formula(text: str) -> None:
    assert rules.cell(text).startswith("'")


@pytest.mark.parametrize("text", ["", "Beamer", "1+1=2", "F2026-000001"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert rules.cell(text) == text
