"""The workflow, what alerts and replies do to a ticket, and numbers, as tables."""

import pytest

from fleet.people.rules import Access, Role
from helpdesk.tickets.models import Ticket
from helpdesk.tickets.rules import (
    TRANSITIONS,
    AfterRecovery,
    AfterReturn,
    Involvement,
    after_recovery,
    after_reply,
    after_return,
    collides,
    may_become,
    may_reply,
    needs_ticket,
    number,
    priority_of_alert,
    priority_of_report,
)

STATES = list(Ticket.State)


def test_every_state_has_its_transitions() -> None:
    assert set(TRANSITIONS) == set(STATES)
    assert {new for targets in TRANSITIONS.values() for new in targets} <= set(STATES)


@pytest.mark.parametrize(
    ("old", "new", "possible"),
    [
        ("new", "open", True),
        ("new", "resolved", True),
        ("new", "closed", False),
        ("open", "new", False),
        ("open", "waiting-vendor", True),
        ("waiting-change", "resolved", True),
        ("resolved", "open", True),
        ("resolved", "closed", True),
        ("resolved", "waiting-change", False),
        ("closed", "open", False),
        ("closed", "resolved", False),
    ],
)
def test_the_workflow(old: str, new: str, *, possible: bool) -> None:
    assert may_become(old, new) is possible


def test_no_ticket_becomes_new_again_and_a_closed_one_stays_closed() -> None:
    assert not [old for old in STATES if may_become(old, "new")]
    assert not [new for new in STATES if may_become("closed", new)]


@pytest.mark.parametrize(
    ("state", "owned", "written", "outcome"),
    [
        ("new", False, False, AfterRecovery.RESOLVE),
        ("open", True, False, AfterRecovery.RESOLVE),  # taken, nothing said: the fault has healed by itself
        ("open", False, True, AfterRecovery.RESOLVE),  # a teacher's remark is no work in progress
        ("open", True, True, AfterRecovery.NOTE),
        ("waiting-vendor", False, True, AfterRecovery.NOTE),
        ("waiting-requester", True, True, AfterRecovery.NOTE),
        ("waiting-change", False, False, AfterRecovery.RESOLVE),
        ("resolved", True, True, AfterRecovery.NOTHING),
        ("closed", False, False, AfterRecovery.NOTHING),
    ],
)
def test_what_a_recovered_device_does_to_its_ticket(
    state: str, outcome: AfterRecovery, *, owned: bool, written: bool
) -> None:
    assert after_recovery(Involvement(state=state, owned=owned, written_by_people=written)) is outcome


def test_what_ended_without_an_answer_resolves_nothing() -> None:
    untouched = Involvement(state="new", owned=False, written_by_people=False)
    assert after_recovery(untouched, measured=False) is AfterRecovery.NOTE


@pytest.mark.parametrize(
    ("state", "by_requester", "still_broken", "becomes"),
    [
        ("waiting-requester", True, False, "open"),
        ("waiting-requester", False, False, None),
        ("resolved", True, False, None),  # a thank-you opens nothing
        ("resolved", True, True, "open"),
        ("closed", True, True, None),
        ("open", True, True, None),
    ],
)
def test_where_a_reply_moves_the_ticket(state: str, becomes: str | None, *, by_requester: bool, still_broken: bool) -> None:
    assert after_reply(state, by_requester=by_requester, still_broken=still_broken) == becomes


@pytest.mark.parametrize(
    ("seen", "now", "news", "expected"), [(3, 3, 0, False), (3, 4, 0, False), (3, 4, 1, True), (3, 3, 1, False)]
)
def test_only_what_people_did_meanwhile_stops_a_save(seen: int, now: int, news: int, *, expected: bool) -> None:
    assert collides(seen_version=seen, version=now, news=news) is expected


@pytest.mark.parametrize(
    ("role", "state", "allowed"),
    [
        (Role.COORDINATOR, "open", True),
        (Role.COORDINATOR, "resolved", True),
        (Role.COORDINATOR, "closed", False),
        (Role.TECHNICIAN, "open", True),
        (Role.TECHNICIAN, "closed", False),
        (Role.SECURITY, "open", True),
        (Role.AUDITOR, "open", False),
        (Role.APPROVER, "open", False),
    ],
)
def test_who_may_reply(role: Role, state: str, *, allowed: bool) -> None:
    here, elsewhere = Access.of([(role, 7)]), Access.of([(role, 8)])
    ticket = Ticket(authority_id=1, site_id=7, state=state)

    assert may_reply(here, ticket) is allowed
    assert not may_reply(elsewhere, ticket)


def test_numbers_sort_as_they_were_given() -> None:
    assert number(2026, 123) == "F2026-000123"
    assert number(2026, 9) < number(2026, 10) < number(2027, 1)


def test_priorities() -> None:
    assert priority_of_alert("critical") > priority_of_alert("warning")
    assert priority_of_report(blocks_lesson=True) == Ticket.Priority.URGENT
    assert priority_of_report(blocks_lesson=False) == Ticket.Priority.NORMAL


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (None, AfterReturn.OPEN_NEW),
        ("new", AfterReturn.GO_ON),
        ("open", AfterReturn.GO_ON),
        ("waiting-vendor", AfterReturn.GO_ON),
        ("resolved", AfterReturn.OPEN_AGAIN),
        ("closed", AfterReturn.OPEN_NEW),
    ],
)
def test_where_the_ticket_of_a_fault_goes_when_that_is_back(state: str | None, expected: AfterReturn) -> None:
    assert after_return(state) is expected


@pytest.mark.parametrize(
    ("kind", "suppressed", "over", "confirmed", "expected"),
    [
        ("unreachable", False, False, False, True),
        ("unreachable", True, False, False, False),
        ("unreachable", False, True, False, False),
        ("power-off", False, False, False, False),
        ("power-off", False, False, True, True),
        ("silent-site", False, False, False, True),
    ],
)
def test_what_needs_a_ticket(kind: str, *, suppressed: bool, over: bool, confirmed: bool, expected: bool) -> None:
    assert needs_ticket(kind=kind, suppressed=suppressed, over=over, confirmed=confirmed) is expected
