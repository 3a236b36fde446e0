"""Whose fault it is. 1 gateway, 2 switch, 3 and 4 access points."""

from datetime import UTC, datetime, timedelta

import pytest

from fleet.monitoring.rules import causes
from fleet.monitoring.rules.causes import (
    EARLIER,
    FINE,
    RELEASE_AFTER,
    RUNNING_AFTER,
    WAIT,
    Kind,
    Node,
    Picture,
    Verdict,
)
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


def fell(at: datetime, *, heard: datetime | None, alerting: bool = False, suppressed: bool = False) -> Node:
    return Node(Availability(Status.DOWN, at, 9, at, "timeout"), heard, alerting, suppressed)


MINUTE, HOUR, SECOND = timedelta(minutes=1), timedelta(hours=1), timedelta(seconds=1)
PARENT = fell(NOW - 2 * MINUTE, heard=NOW - 2 * MINUTE - 30 * SECOND)


@pytest.mark.parametrize(
    ("child", "expected"),
    [
        pytest.param(fell(NOW - HOUR, heard=NOW - HOUR), ROOT, id="long before"),
        pytest.param(fell(NOW - HOUR, heard=NOW - HOUR, alerting=True), ROOT, id="long before, with an alert"),
        pytest.param(fell(NOW - HOUR, heard=None), ROOT, id="never answered"),
        pytest.param(fell(PARENT.answered_at - EARLIER - SECOND, heard=None), ROOT, id="just clearly before"),
        pytest.param(fell(PARENT.answered_at - EARLIER, heard=None), Verdict(Kind.SUPPRESSED, 2), id="not clearly before"),
        pytest.param(fell(NOW - 3 * MINUTE, heard=NOW - 4 * MINUTE), Verdict(Kind.SUPPRESSED, 2), id="a round before"),
        pytest.param(fell(NOW - MINUTE, heard=NOW - 2 * MINUTE), Verdict(Kind.SUPPRESSED, 2), id="after"),
        pytest.param(
            fell(NOW - HOUR, heard=NOW - HOUR, alerting=True, suppressed=True),
            Verdict(Kind.SUPPRESSED, 2),
            id="suppressed ever since: its parent was back for a moment only",
        ),
    ],
)
def test_who_fell_silent_clearly_before_its_uplink_has_a_fault_of_its_own(child: Node, expected: Verdict) -> None:
    assert verdicts({1: up(), 2: PARENT, 3: child, 4: up()})[3] == expected


def test_noticed_last_is_not_failed_last() -> None:
    """The children have had alerts for an hour; nobody had asked the parent in all that time."""
    child = fell(NOW - HOUR, heard=NOW - HOUR - MINUTE, alerting=True)
    parent = fell(NOW - MINUTE, heard=NOW - HOUR - MINUTE)
    assert verdicts({1: up(), 2: parent, 3: child, 4: child})[3] == Verdict(Kind.SUPPRESSED, 2)


def test_who_fell_with_the_second_of_two_uplinks_was_cut_off() -> None:
    two_ways = {**TREE, 3: frozenset({1, 2})}
    long_dead = fell(NOW - HOUR, heard=NOW - HOUR)
    found = verdicts({1: PARENT, 2: long_dead, 3: fell(NOW - MINUTE, heard=NOW - 2 * MINUTE)}, two_ways)
    assert found[3] == Verdict(Kind.SUPPRESSED, 1)
    found = verdicts({1: long_dead, 2: PARENT, 3: fell(NOW - MINUTE, heard=NOW - 2 * MINUTE)}, {3: frozenset({1, 2})})
    assert found[3] == Verdict(Kind.SUPPRESSED, 2)
    found = verdicts({1: PARENT, 2: long_dead, 3: fell(NOW - HOUR, heard=NOW - HOUR)}, two_ways)
    assert found[3] == ROOT


def test_behind_a_switch_that_nobody_asks_the_one_above_it_tells() -> None:
    assert verdicts({1: PARENT, 3: fell(NOW - HOUR, heard=NOW - HOUR)})[3] == ROOT
    assert verdicts({1: PARENT, 3: fell(NOW - 3 * MINUTE, heard=None)})[3] == Verdict(Kind.SUPPRESSED, 1)


@pytest.mark.parametrize(
    ("held", "asked_after", "expected"),
    [
        pytest.param(True, RUNNING_AFTER, ROOT, id="asked again"),
        pytest.param(True, RUNNING_AFTER - SECOND, WAIT, id="asked at once only"),
        pytest.param(False, RUNNING_AFTER, WAIT, id="the parent has restarted, or does not come and go"),
    ],
)
def test_behind_one_that_comes_and_goes_and_answers_each_is_judged_by_itself(
    *,
    held: bool,
    asked_after: timedelta,
    expected: Verdict,
) -> None:
    back_since = NOW - timedelta(seconds=40)
    parent = Node(Availability(Status.UP, back_since), NOW, alerting=True, held=held)
    state = Availability(Status.DOWN, NOW - HOUR, 30, NOW - HOUR, "timeout")
    child = Node(state, NOW - HOUR, alerting=True, suppressed=True, polled_at=back_since + asked_after)
    assert verdicts({1: up(), 2: parent, 3: child, 4: up()})[3] == expected


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


@pytest.mark.parametrize(
    ("gateway", "child", "expected"),
    [
        pytest.param(up(heard=SILENT_AT - SECOND), down(), WAIT, id="the gateway has not been heard since"),
        pytest.param(up(failures=1), down(), WAIT, id="the gateway is failing, not confirmed"),
        pytest.param(up(since=NOW - SECOND), down(30, alerting=True, suppressed=True), WAIT, id="it has just come back"),
        pytest.param(up(since=NOW - RELEASE_AFTER), down(30, alerting=True, suppressed=True), ROOT, id="back for a while"),
        pytest.param(up(), down(), ROOT, id="the gateway has answered since"),
    ],
)
def test_behind_a_switch_that_nobody_asks_one_waits_for_the_gateway(gateway: Node, child: Node, expected: Verdict) -> None:
    assert verdicts({1: gateway, 3: child})[3] == expected
    in_a_row = {9: frozenset({1}), 8: frozenset({9}), 3: frozenset({8})}
    assert verdicts({1: gateway, 3: child}, in_a_row)[3] == expected


def test_a_switch_that_nobody_asks_has_two_uplinks() -> None:
    ring = {8: frozenset({1, 9}), 9: frozenset({2, 8}), 3: frozenset({8})}
    assert verdicts({1: PARENT, 2: PARENT, 3: PARENT}, ring)[3] == Verdict(Kind.SUPPRESSED, 1)
    assert verdicts({1: up(), 2: PARENT, 3: down()}, ring)[3] == ROOT
    assert verdicts({1: up(failures=1), 2: PARENT, 3: down()}, ring)[3] == WAIT


@pytest.mark.parametrize(
    "cables",
    [
        pytest.param({3: frozenset({8})}, id="nothing is known above it"),
        pytest.param({8: frozenset({9}), 9: frozenset({8}), 3: frozenset({8})}, id="a circle"),
        pytest.param({8: frozenset({3}), 3: frozenset({8})}, id="a circle with itself"),
        pytest.param({3: frozenset({1, 8})}, id="the other uplink is silent"),
    ],
)
@pytest.mark.parametrize("suppressed", [True, False])
def test_a_switch_that_nobody_can_tell_of_is_taken_to_be_well(
    cables: dict[int, frozenset[int]],
    *,
    suppressed: bool,
) -> None:
    assert verdicts({1: down(), 3: down(alerting=suppressed, suppressed=suppressed)}, cables)[3] == ROOT


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


@pytest.mark.parametrize(("device", "root", "cables"), [(4, 1, True), (3, 2, True), (2, 4, False), (1, 9, False)])
def test_a_way_is_cabled_or_only_supposed(device: int, root: int, *, cables: bool) -> None:
    assert causes.cabled(causes.path(device, root, TREE), TREE) is cables
