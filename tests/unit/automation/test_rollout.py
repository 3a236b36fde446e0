"""Rings, steps, halts: what goes out when, and what keeps it from going on."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.automation.models import Change, HostResult, Ring, Run, Target
from fleet.automation.rules.rollout import (
    BAD,
    SMALL,
    UNDONE,
    Halt,
    Move,
    Placed,
    RingNow,
    Strategy,
    StrategyError,
    neighbours_apart,
    next_move,
    outcome,
    plan,
    seconds_left,
    target_state,
    verdict_of_ring,
)

CITY = [
    Placed(site * 100 + n, site, building_id=site, room_id=site * 100 + n // 2) for site in range(1, 9) for n in range(6)
]


def titles(devices: list[Placed], strategy: Strategy | None = None) -> list[tuple[str, int]]:
    return [(ring.title, ring.size) for ring in plan(devices, strategy or Strategy()).rings]


def test_a_city_goes_out_by_pilot_school_share_and_rest() -> None:
    assert titles(CITY) == [("pilot", 1), ("site", 5), ("share", 12), ("rest", 30)]


@pytest.mark.parametrize(
    ("devices", "strategy", "rings"),
    [
        ([], Strategy(), []),
        (CITY[:1], Strategy(), [("all", 1)]),
        (CITY[:6], Strategy(), [("all", 6)]),
        (CITY[:7], Strategy(), [("pilot", 1), ("site", 6)]),
        (CITY[:6], Strategy(rings=("pilot", "rest")), [("pilot", 1), ("rest", 5)]),
        (CITY, Strategy(rings=()), [("all", 48)]),
        (CITY, Strategy(rings=("pilot",), pilot_ids=(100, 201)), [("pilot", 2), ("rest", 46)]),
        (CITY, Strategy(share_percent=100), [("pilot", 1), ("site", 5), ("share", 42)]),
        ([Placed(n, 1) for n in range(SMALL + 1)], Strategy(), [("pilot", 1), ("rest", SMALL)]),
    ],
)
def test_rings(devices: list[Placed], strategy: Strategy, rings: list[tuple[str, int]]) -> None:
    assert titles(devices, strategy) == rings


def ring_steps(devices: list[Placed], **strategy: Any) -> tuple[tuple[int, ...], ...]:
    return plan(devices, Strategy(rings=(), **strategy)).rings[0].steps


@pytest.mark.parametrize(
    ("devices", "strategy", "steps"),
    [
        ([Placed(1, 1, 1), Placed(2, 1, 1)], {}, ((1,), (2,))),
        ([Placed(1, 1, 1), Placed(2, 1, 2)], {}, ((1, 2),)),
        ([Placed(1, 1, 1, room_id=7), Placed(2, 1, 2, room_id=7)], {}, ((1,), (2,))),
        ([Placed(1, 1, switch_id=9), Placed(2, 1, switch_id=9)], {}, ((1,), (2,))),
        ([Placed(1, 1, switch_id=9), Placed(9, 1, kind="switch")], {}, ((1,), (9,))),
        ([Placed(n, 1, 1) for n in range(4)], {}, ((0, 1), (2, 3))),
        ([Placed(n, 1, 1) for n in range(4)], {"max_per_step": 1}, ((0,), (1,), (2,), (3,))),
        ([Placed(n, 1, 1) for n in range(4)], {"spread": "none"}, ((0, 1, 2, 3),)),
        ([Placed(n, 1, 1, switch_id=9) for n in range(4)], {"spread": "buildings"}, ((0, 1), (2, 3))),
        ([Placed(n, 1, 1, room_id=1, kind="printer") for n in range(3)], {}, ((0, 1, 2),)),
        ([Placed(n, 1, 1, kind="switch" if n > 2 else "access-point") for n in range(1, 5)], {}, ((1, 3), (2, 4))),
        ([Placed(n, 1) for n in range(4)], {}, ((0, 1), (2, 3))),
        ([Placed(1, 1), Placed(2, 1, 1), Placed(3, 2)], {}, ((1, 2, 3),)),
        ([Placed(n, 1) for n in range(4)], {"spread": "none"}, ((0, 1, 2, 3),)),
    ],
)
def test_steps(devices: list[Placed], strategy: dict[str, Any], steps: tuple[tuple[int, ...], ...]) -> None:
    assert ring_steps(devices, **strategy) == steps


places = st.builds(
    Placed,
    device_id=st.integers(1, 300),
    site_id=st.integers(1, 6),
    building_id=st.none() | st.integers(1, 8),
    room_id=st.none() | st.integers(1, 40),
    switch_id=st.none() | st.integers(301, 320),
    kind=st.sampled_from(["access-point", "switch", "printer"]),
)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(places, max_size=60, unique_by=lambda one: one.device_id),
    st.sampled_from([None, (), ("pilot", "rest"), ("site", "share", "rest")]),
    st.integers(1, 20),
)
def test_every_device_goes_out_once_and_no_building_is_left_without(
    devices: list[Placed], rings: tuple[str, ...] | None, most: int
) -> None:
    planned = plan(devices, Strategy(rings=rings, max_per_step=most))

    placed = {one.device_id: one for one in devices}
    steps = [step for ring in planned.rings for step in ring.steps]
    assert sorted(pk for step in steps for pk in step) == sorted(placed)
    for ring in planned.rings:
        groups = Counter(placed[pk].group for step in ring.steps for pk in step)
        for step in ring.steps:
            assert 1 <= len(step) <= most
            assert neighbours_apart(step, placed)
            lost = Counter(placed[pk].group for pk in step)
            lost.pop(None, None)
            assert all(count < groups[group] or groups[group] == 1 for group, count in lost.items())


@pytest.mark.parametrize(
    ("counts", "threshold", "halts"),
    [
        ({"confirmed": 10}, 0, False),
        ({"confirmed": 9, "failed": 1}, 10, False),
        ({"confirmed": 8, "failed": 1, "unreachable": 1}, 10, True),
        ({"confirmed": 6, "failed": 1, "unreachable": 1, "unknown": 1, "refuted": 1}, 30, True),
        ({"confirmed": 7, "refuted": 1, "unknown": 2}, 30, False),
        ({"confirmed": 1, "pending-offline": 9}, 0, False),
        ({"refuted": 1}, 0, True),
        ({}, 0, False),
    ],
)
def test_all_that_went_wrong_counts_together(counts: dict[str, int], threshold: int, halts: bool) -> None:
    assert (verdict_of_ring(counts, threshold) is not None) is halts


def now(number: int, next_step: int | None = None, accepted: int = 0, **counts: int) -> RingNow:
    return RingNow(number, {name.replace("_", "-"): n for name, n in counts.items()}, next_step, accepted)


@pytest.mark.parametrize(
    ("rings", "move"),
    [
        ([now(1, 1, waiting=2)], ("step", 1, 1)),
        ([now(1, 2, waiting=1, confirmed=1)], ("step", 1, 2)),
        ([now(1, confirmed=1), now(2, 1, waiting=9)], ("step", 2, 1)),
        ([now(1, refuted=1), now(2, 1, waiting=9)], ("halt", 1, 0)),
        ([now(1, unreachable=1), now(2, 1, waiting=9)], ("halt", 1, 0)),
        ([now(1, pending_offline=1), now(2, 1, waiting=9)], ("wait-offline", 1, 0)),
        ([now(1, skipped=1), now(2, 1, waiting=9)], ("halt", 1, 0)),
        ([now(1, confirmed=1), now(2, 2, waiting=5, failed=5)], ("halt", 2, 0)),
        ([now(1, confirmed=1), now(2, 1, waiting=1, pending_offline=5)], ("step", 2, 1)),
        ([now(1, confirmed=1), now(2, confirmed=2, pending_offline=1)], ("wait-offline", 2, 0)),
        ([now(1, confirmed=1), now(2, confirmed=2, failed=5)], ("end", 0, 0)),
        ([now(1, failed=2)], ("end", 0, 0)),
        ([now(1, 1, 1, refuted=1, waiting=1), now(2, 1, waiting=9)], ("step", 1, 1)),
        ([now(1, None, 1, refuted=1, confirmed=1), now(2, 1, waiting=9)], ("halt", 1, 0)),
        ([], ("end", 0, 0)),
    ],
)
def test_what_comes_next(rings: list[RingNow], move: tuple[str, int, int]) -> None:
    found = next_move(rings, Strategy())

    assert (found.act, found.ring, found.step) == move


def test_a_halt_says_why() -> None:
    assert next_move([now(1, refuted=1), now(2, 1, waiting=9)], Strategy()).halt == Halt(
        "canary", {"bad": 1, "total": 1, "threshold": 0, "failed": 0, "refuted": 1, "unknown": 0, "unreachable": 0}
    )
    assert isinstance(next_move([now(1, confirmed=2)], Strategy()), Move)


@pytest.mark.parametrize(
    ("counts", "state"),
    [
        ({"confirmed": 2}, "confirmed"),
        ({"confirmed": 2, "skipped": 1}, "confirmed"),
        ({"confirmed": 2, "unreachable": 1, "refuted": 1}, "failed"),
        ({"confirmed": 2, "unknown": 1, "refuted": 1}, "refuted"),
        ({"confirmed": 2, "unknown": 1}, "unknown"),
        ({"skipped": 3}, "cancelled"),
    ],
)
def test_one_word_for_all(counts: dict[str, int], state: str) -> None:
    assert outcome(counts) == state
    assert state in Change.State.values


@pytest.mark.parametrize("host", HostResult.State.values)
@pytest.mark.parametrize("ended", ["succeeded", "failed", "timed-out", "cancelled", "lost"])
def test_every_end_of_a_host_says_how_the_device_stands(host: str, ended: str) -> None:
    said = {target_state(host=host, verdict=verdict, ended=ended, waits=False) for verdict in ("", "confirmed", "refuted")}

    assert said <= set(Target.State.values) - {"waiting", "running", "pending-offline"}
    assert ("confirmed" in said) == (host in {"ok", "changed", "pending"})
    assert target_state(host="offline", verdict="", ended=ended, waits=True) == "pending-offline"


def test_the_words_are_those_of_the_models() -> None:
    assert set(Target.State.values) >= BAD | UNDONE
    assert set(Ring.Title.values) >= {"pilot", "site", "share", "rest", "all"}
    assert set(Run.State.values) >= {"cancelled", "lost"}


def test_a_strategy_survives_its_json() -> None:
    until = datetime(2026, 12, 1, tzinfo=UTC)
    strategy = Strategy(rings=("pilot",), pilot_ids=(3,), offline_until=until, rollback_on_halt=True)

    assert Strategy.from_json(strategy.as_json()) == strategy
    assert Strategy.from_json({}) == Strategy()


@pytest.mark.parametrize(
    "wrong",
    [
        {"rings": ["moon"]},
        {"rings": ["pilot", "pilot"]},
        {"share_percent": 0},
        {"threshold_percent": 101},
        {"threshold_percent": True},
        {"spread": "wide"},
        {"max_per_step": 0},
        {"offline_until": "soon"},
        {"offline_until": "2026-12-01T00:00:00"},
        {"forks": 3},
    ],
)
def test_a_strategy_that_cannot_be_meant_names_its_field(wrong: dict[str, Any]) -> None:
    with pytest.raises(StrategyError) as caught:
        Strategy.from_json(wrong)

    assert caught.value.key == next(iter(wrong))


def test_the_time_that_is_left_comes_from_what_was_measured() -> None:
    assert seconds_left([], 3) is None
    assert seconds_left([10, 20], 3) == 45
