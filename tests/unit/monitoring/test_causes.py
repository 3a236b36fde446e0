"""Whose fault it is. 1 gateway, 2 switch, 3 and 4 access points."""

from datetime import UTC, datetime, timedelta

import pytest

from fleet.monitoring.rules import causes
from fleet.monitoring.rules.causes import FINE, RELEASE_AFTER, WAIT, Kind, Node, Picture, Verdict
from fleet.monitoring.rules.polling import PATIENCE, Availability, Status

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SILENT_AT = NOW - timedelta(seconds=20)
TREE = {2: frozenset({1}), 3: frozenset({2}), 4: frozenset({2})}
ROOT = Verdict(Kind.ROOT)


def up(heard: datetime = NOW, since: datetime = NOW - timedelta(days=1), failures: int = 0) -> Node:
    return Node(Availability(Status.UP, since, failures), heard)


def down(failures: int = 3, *, alerting: bool = False, suppressed: bool = False) -> Node:
    state = Availability(Status.DOWN, SILENT_AT, failures, SILENT_AT, "timeout")
    return Node(state, SILENT_AT - timedelta(seconds=30), alerting, suppressed)


def verdicts(nodes: dict[int, Node], parents: dict[int, frozenset[int]] = TREE) -> dict[int, Verdict]:
    return Picture(nodes, parents, NOW).verdicts()


def test_all_is_well() -> None:
    assert verdicts({n: up() for n in (1, 2, 3, 4)}) == dict.fromkeys((1, 2, 3, 4), FINE)


def test_one_access_point_is_its_own_fault_once_its_switch_has_answered_since() -> None:
    assert verdicts({1: up(), 2: up(), 3: down(), 4: up()})[3] == ROOT


def test_the_gateway_explains_everything_behind_it() -> None:
    found = verdicts({n: down() for n in (1, 2, 3, 4)})
    assert found == {1: ROOT} | dict.fromkeys((2, 3, 4), Verdict(Kind.SUPPRESSED, 1))


@pytest.mark.parametrize(
    "switch",
    [
        pytest.param(up(heard=SILENT_AT - timedelta(seconds=1)), id="not heard since"),
        pytest.param(up(failures=1), id="failing, not confirmed"),
    ],
)
def test_a_child_waits_for_a_parent_in_doubt(switch: Node) -> None:
    assert verdicts({1: up(), 2: switch, 3: down(), 4: up()})[3] == WAIT


def test_but_not_for_ever() -> None:
    in_doubt = up(failures=1)
    assert verdicts({1: up(), 2: in_doubt, 3: down(PATIENCE), 4: up()})[3] == ROOT


def test_children_wait_while_their_silent_parent_waits() -> None:
    in_doubt = up(failures=1)
    found = verdicts({1: in_doubt, 2: down(), 3: down(), 4: down()})
    assert found == {1: FINE, 2: WAIT, 3: WAIT, 4: WAIT}


def test_a_parent_found_down_last_takes_over_its_childrens_alerts() -> None:
    found = verdicts({1: up(), 2: down(), 3: down(9, alerting=True), 4: down(9, alerting=True)})
    assert found == {1: FINE, 2: ROOT, 3: Verdict(Kind.SUPPRESSED, 2), 4: Verdict(Kind.SUPPRESSED, 2)}


def test_with_two_uplinks_only_both_together_explain() -> None:
    two_ways = {**TREE, 3: frozenset({1, 2})}
    assert verdicts({1: up(), 2: down(), 3: down(), 4: down()}, two_ways)[3] == ROOT
    assert verdicts({1: down(), 2: down(), 3: down(), 4: down()}, two_ways)[3] == Verdict(Kind.SUPPRESSED, 1)


@pytest.mark.parametrize(("since_back", "verdict"), [(RELEASE_AFTER - timedelta(seconds=1), WAIT), (RELEASE_AFTER, ROOT)])
def test_who_stays_silent_is_given_time_to_start_before_it_is_its_own_fault(since_back: timedelta, verdict: Verdict) -> None:
    back = up(since=NOW - since_back)
    silent = down(30, alerting=True, suppressed=True)
    assert verdicts({1: up(), 2: back, 3: silent, 4: up()})[3] == verdict


def test_a_device_that_is_not_polled_passes_on_what_is_above_it() -> None:
    """2 is a switch without SNMP."""
    assert verdicts({1: down(), 3: down()})[3] == Verdict(Kind.SUPPRESSED, 1)
    assert verdicts({1: up(), 3: down()})[3] == ROOT


def test_a_cable_in_a_circle_ends() -> None:
    circle = {1: frozenset({2}), 2: frozenset({1})}
    assert {verdict.kind for verdict in verdicts({1: down(), 2: down()}, circle).values()} == {Kind.WAIT}


@pytest.mark.parametrize(
    ("device", "expected"),
    [(1, [2, 3, 4]), (2, [3, 4]), (3, [])],
)
def test_behind(device: int, expected: list[int]) -> None:
    assert causes.behind(device, TREE) == expected


def test_what_has_another_way_up_is_not_cut_off() -> None:
    assert causes.behind(2, {**TREE, 3: frozenset({1, 2})}) == [4]
