"""From state to state: what may follow, who may decide, when a run starts, and what is said of a host in the end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.automation.models import Change, HostResult, Run
from fleet.automation.rules.lifecycle import (
    CANCELLABLE,
    CHANGE_TRANSITIONS,
    RETRYABLE,
    RUN_ENDS,
    Ballot,
    Queued,
    Start,
    host_in_the_end,
    may_become,
    may_start,
    refusal,
    too_late,
)

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_every_state_of_the_model_has_its_transitions() -> None:
    states = set(Change.State.values)

    assert set(CHANGE_TRANSITIONS) == states
    assert set().union(*CHANGE_TRANSITIONS.values()) <= states
    assert states >= CANCELLABLE | RETRYABLE
    assert set(Run.State.values) - {"queued", "running"} == RUN_ENDS


def test_every_state_can_be_reached_and_every_live_one_can_be_left() -> None:
    reached, frontier = set(), {"previewing"}
    while frontier:
        reached |= frontier
        frontier = set().union(*(CHANGE_TRANSITIONS[state] for state in frontier)) - reached

    assert reached == set(Change.State.values)
    assert {state for state, following in CHANGE_TRANSITIONS.items() if not following} == {
        "rejected",
        "rolled-back",
        "nothing-to-do",
    }


@pytest.mark.parametrize("outcome", ["confirmed", "refuted", "unknown", "failed"])
def test_measuring_may_end_in_every_outcome(outcome: str) -> None:
    assert may_become("verifying", outcome)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("previewing", "running"),
        ("awaiting-approval", "running"),
        ("rejected", "approved"),
        ("lost", "running"),
        ("confirmed", "running"),
        ("halted", "running"),
        ("rolled-back", "approved"),
        ("failed", "confirmed"),
    ],
)
def test_there_are_no_short_cuts(old: str, new: str) -> None:
    assert not may_become(old, new)


@pytest.mark.parametrize("state", sorted(CANCELLABLE))
def test_what_can_be_stopped_may_become_cancelled(state: str) -> None:
    assert may_become(state, "cancelled")


def ballot(**other: Any) -> Ballot:
    usual: dict[str, Any] = {
        "change_digest": "d",
        "seen_digest": "d",
        "requester_id": 1,
        "approver_id": 2,
        "decided_by": (),
        "awaiting": True,
        "allowed": True,
    }
    return Ballot(**{**usual, **other})


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({}, None),
        ({"requester_id": None}, None),
        ({"decided_by": (3,)}, None),
        ({"allowed": False}, "no-role"),
        ({"awaiting": False}, "not-awaiting"),
        ({"approver_id": 1}, "own-change"),
        ({"decided_by": (2,)}, "already-decided"),
        ({"seen_digest": "other"}, "changed-meanwhile"),
        ({"allowed": False, "approver_id": 1}, "no-role"),
    ],
)
def test_who_may_decide(other: dict[str, Any], reason: str | None) -> None:
    assert refusal(ballot(**other)) == reason


def queued(kind: str, state: str, **other: Any) -> Queued:
    return Queued(kind, state, **{"box": "none", "ends_at": None, "blocked": False, **other})


@pytest.mark.parametrize(
    ("run", "start"),
    [
        (queued("preview", "previewing"), Start.NOW),
        (queued("preview", "previewing", blocked=True), Start.NOW),
        (queued("preview", "cancelled"), Start.NOT_WANTED),
        (queued("apply", "approved"), Start.NOW),
        (queued("apply", "approved", blocked=True), Start.WAITS),
        (queued("apply", "approved", box="pending", ends_at=NOW + HOUR), Start.NOW),
        (queued("apply", "approved", box="pending", ends_at=NOW), Start.TOO_LATE),
        (queued("apply", "approved", box="pending", ends_at=NOW, blocked=True), Start.TOO_LATE),
        (queued("apply", "awaiting-approval"), Start.NOT_WANTED),
        (queued("apply", "cancelled", blocked=True), Start.NOT_WANTED),
        (queued("apply", "running"), Start.NOW),
        (queued("apply", "paused"), Start.NOT_WANTED),
        (queued("apply", "halted"), Start.NOT_WANTED),
        (queued("apply", "rolling-back"), Start.NOT_WANTED),
        (queued("revert", "rolling-back"), Start.NOW),
        (queued("revert", "confirmed", box="pending", ends_at=NOW - HOUR), Start.NOW),
        (queued("revert", "lost", box="pending", ends_at=NOW - HOUR, blocked=True), Start.WAITS),
        (queued("revert", "confirmed", box="reverting", ends_at=NOW - HOUR), Start.NOT_WANTED),
        (queued("revert", "confirmed", box="reverted", ends_at=NOW - HOUR), Start.NOT_WANTED),
    ],
)
def test_when_a_queued_run_starts(run: Queued, start: Start) -> None:
    assert may_start(run, NOW) == start


@pytest.mark.parametrize(("ends_at", "late"), [(None, False), (NOW + HOUR, False), (NOW, True), (NOW - HOUR, True)])
def test_the_end_of_a_time_span_belongs_to_afterwards(ends_at: datetime | None, late: bool) -> None:
    assert too_late(ends_at=ends_at, now=NOW) is late


@pytest.mark.parametrize(
    ("known", "begun", "finished", "said"),
    [
        ("changed", True, True, "changed"),
        ("ok", True, True, "ok"),
        ("pending", True, True, "ok"),
        ("pending", False, True, "not-started"),
        ("pending", False, False, "not-started"),
        ("pending", True, False, "unknown"),
        ("ok", True, False, "unknown"),
        ("changed", True, False, "unknown"),
        ("failed", True, False, "failed"),
        ("unreachable", True, False, "unreachable"),
        ("unreachable", True, True, "unreachable"),
    ],
)
def test_what_is_said_of_a_host_in_the_end(known: str, begun: bool, finished: bool, said: str) -> None:
    assert host_in_the_end(known=known, begun=begun, finished=finished) == said
    assert said in HostResult.State.values
