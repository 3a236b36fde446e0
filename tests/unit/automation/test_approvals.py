"""How many must agree, in whose name, and for how long that is good."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.automation import policy_file
from fleet.automation.rules.approvals import (
    USUAL,
    Need,
    Patience,
    Seat,
    Waiting,
    approval_ends_at,
    needed,
    request_ends_at,
    seat,
)
from fleet.automation.rules.lifecycle import Ballot

REQUESTER, APPROVER, AWAY, OTHER = 1, 2, 3, 4


@pytest.mark.parametrize(
    ("risk", "devices", "sites", "count"),
    [
        ("low", 1, 1, 0), ("low", 49, 2, 0), ("low", 50, 1, 1), ("low", 3, 3, 1), ("low", 2000, 100, 1),
        ("medium", 1, 1, 1), ("medium", 199, 4, 1), ("medium", 200, 1, 2), ("medium", 5, 5, 2),
        ("high", 1, 1, 2), ("high", 2000, 100, 2),
        ("unheard-of", 1, 1, 2),
    ],
)  # fmt: skip
def test_by_risk_and_amount(risk: str, devices: int, sites: int, count: int) -> None:
    assert needed(risk, devices, sites) == Need(count)


def test_a_playbook_may_name_who_approves() -> None:
    assert needed("high", 1, 1, frozenset({"security"})) == Need(2, frozenset({"security"}))


def test_the_file_ships_what_the_rules_assume() -> None:
    assert policy_file.known().tiers == USUAL
    assert policy_file.known().patience == Patience()


def ballot(**other: Any) -> Ballot:
    usual: dict[str, Any] = {
        "change_digest": "d",
        "seen_digest": "d",
        "requester_id": REQUESTER,
        "approver_id": APPROVER,
        "decided_by": (),
        "awaiting": True,
        "allowed": False,
    }
    return Ballot(**usual | other)


OWN, NO_ROLE = Seat(None, allowed=True), Seat(None, allowed=False)
DEPUTY, DEPUTY_OF_NOBODY = Seat(AWAY, allowed=True), Seat(AWAY, allowed=False)


@pytest.mark.parametrize(
    ("seats", "about", "found", "why_not"),
    [
        ([OWN], {}, OWN, None),
        ([NO_ROLE], {}, None, "no-role"),
        ([NO_ROLE, DEPUTY], {}, DEPUTY, None),
        ([NO_ROLE, DEPUTY_OF_NOBODY], {}, None, "no-role"),
        ([NO_ROLE, DEPUTY_OF_NOBODY, Seat(OTHER, allowed=True)], {}, Seat(OTHER, allowed=True), None),
        ([OWN, DEPUTY], {}, OWN, None),
        # nobody their own, nor a deputy that of whom they stand in for
        ([OWN], {"approver_id": REQUESTER}, None, "own-change"),
        ([NO_ROLE, DEPUTY], {"approver_id": REQUESTER}, None, "own-change"),
        ([NO_ROLE, DEPUTY], {"requester_id": AWAY}, None, "delegators-change"),
        ([OWN, DEPUTY], {"requester_id": AWAY}, OWN, None),
        # no voice twice
        ([OWN, DEPUTY], {"decided_by": {APPROVER}}, None, "already-decided"),
        ([NO_ROLE, DEPUTY], {"decided_by": {AWAY}}, None, "delegator-decided"),
        ([NO_ROLE, DEPUTY], {"decided_by": {OTHER}}, DEPUTY, None),
        # what holds for everybody
        ([NO_ROLE, DEPUTY], {"awaiting": False}, None, "not-awaiting"),
        ([NO_ROLE, DEPUTY], {"seen_digest": "old"}, None, "changed-meanwhile"),
    ],
)
def test_in_whose_name(seats: list[Seat], about: dict[str, Any], found: Seat | None, why_not: str | None) -> None:
    assert seat(ballot(**about), seats) == (found, why_not)


CREATED = datetime(2026, 6, 1, 8, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("since", "starts", "ends"),
    [
        (timedelta(0), timedelta(0), 14 * DAY),  # as soon as it may: only patience counts
        (timedelta(0), timedelta(seconds=30), 14 * DAY),
        (timedelta(0), 3 * DAY, 4 * DAY),  # planned: a day after its time nobody needs to decide any more
        (timedelta(0), 40 * DAY, 14 * DAY),
        (5 * DAY, 3 * DAY, 19 * DAY),  # asked anew after its time
    ],
)
def test_until_when_a_request_is_good(since: timedelta, starts: timedelta, ends: timedelta) -> None:
    assert request_ends_at(Waiting(CREATED, CREATED + since, CREATED + starts), Patience()) == CREATED + ends


@pytest.mark.parametrize(("since", "starts", "ends"), [(2 * DAY, timedelta(0), 16 * DAY), (2 * DAY, 30 * DAY, 44 * DAY)])
def test_until_when_an_approval_is_good(since: timedelta, starts: timedelta, ends: timedelta) -> None:
    assert approval_ends_at(Waiting(CREATED, CREATED + since, CREATED + starts), Patience()) == CREATED + ends
