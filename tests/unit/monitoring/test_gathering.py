"""Many silent at once. 1 gateway in building 10; 2 switch, 3 to 8 access points on it in building 20."""

from datetime import UTC, datetime, timedelta

import pytest

from fleet.monitoring.rules import causes, gathering
from fleet.monitoring.rules.causes import RELEASE_AFTER, Node, Picture
from fleet.monitoring.rules.gathering import Gathering, Known, Scene, confirmed, gather, undecided
from fleet.monitoring.rules.kinds import Kind
from fleet.monitoring.rules.polling import PATIENCE, Availability, Status

NOW = datetime(2026, 11, 25, 19, 0, tzinfo=UTC)
DARK_SINCE = NOW - timedelta(seconds=60)
TREE = {2: frozenset({1})} | dict.fromkeys(range(3, 9), frozenset({2}))
LOOSE: dict[int, frozenset[int]] = {}
TWO_HOUSES = {1: 10} | dict.fromkeys(range(2, 9), 20)
ONE_HOUSE = dict.fromkeys(range(1, 9), 20)
ALL = frozenset(range(1, 9))


def up(since: datetime = NOW - timedelta(days=1)) -> Node:
    return Node(Availability(Status.UP, since), NOW)


def down(since: datetime = DARK_SINCE, failures: int = PATIENCE, *, suppressed: bool = False) -> Node:
    state = Availability(Status.DOWN, since, failures, since, "timeout")
    return Node(state, since - timedelta(seconds=30), alerting=suppressed, suppressed=suppressed)


def scene(
    silent: set[int] | frozenset[int],
    parents: dict[int, frozenset[int]],
    buildings: dict[int, int],
    *known: Known,
    at_school: bool = False,
    **nodes: Node,
) -> Scene:
    everything = {n: down() if n in silent else up() for n in ALL} | {int(name[1:]): node for name, node in nodes.items()}
    verdicts = Picture(everything, parents, NOW).verdicts()
    return Scene(everything, verdicts, parents, buildings, NOW, at_school, known)


def power_off(members: set[int] | frozenset[int], anchor: int, building: int | None = 20) -> list[Gathering]:
    return [Gathering(Kind.POWER_OFF, building, frozenset(members), anchor)]


HOUSE = ALL - {1}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(scene(set(), TREE, TWO_HOUSES), [], id="all is well"),
        pytest.param(scene(HOUSE, TREE, TWO_HOUSES), power_off(HOUSE, 2), id="a building with its switch"),
        pytest.param(scene(HOUSE, LOOSE, TWO_HOUSES), power_off(HOUSE, 2), id="a building without a common parent"),
        pytest.param(scene(HOUSE, TREE, TWO_HOUSES, at_school=True), [], id="during lessons the switch is the cause"),
        pytest.param(scene(HOUSE - {3}, TREE, TWO_HOUSES), power_off(HOUSE - {3}, 2), id="most of it"),
        pytest.param(scene({2, 3, 4}, TREE, TWO_HOUSES), [], id="a few"),
        pytest.param(scene(ALL, TREE, ONE_HOUSE), [], id="the gateway explains everything"),
        pytest.param(scene(ALL, LOOSE, ONE_HOUSE), power_off(ALL, 1, None), id="the whole site at night"),
        pytest.param(
            scene(ALL, LOOSE, ONE_HOUSE, at_school=True),
            [Gathering(Kind.SILENT_SITE, None, ALL, 1)],
            id="the whole site during lessons",
        ),
        pytest.param(
            scene(HOUSE, LOOSE, TWO_HOUSES, **{f"n{n}": down(NOW - timedelta(hours=n)) for n in (2, 3, 4)}),
            [],
            id="one after the other over hours",
        ),
        pytest.param(scene(HOUSE, LOOSE, {}), [], id="nobody knows where they stand"),
    ],
)
def test_gather(found: Scene, expected: list[Gathering]) -> None:
    assert gather(found) == expected


OPEN = Known(Kind.POWER_OFF, 20, 2)
JUST_BACK = up(NOW - RELEASE_AFTER + timedelta(seconds=1))
LONG_BACK = up(NOW - RELEASE_AFTER)


@pytest.mark.parametrize(
    ("silent", "back", "lasts"),
    [
        pytest.param(HOUSE, LONG_BACK, True, id="all"),
        pytest.param({2, 3, 4, 5}, LONG_BACK, True, id="half"),
        pytest.param({2, 3}, JUST_BACK, True, id="two that may still be starting"),
        pytest.param({2, 3}, LONG_BACK, False, id="two that have had their time"),
        pytest.param(set(), JUST_BACK, False, id="none"),
    ],
)
@pytest.mark.parametrize("at_school", [True, False])
def test_a_known_one_lasts_while_half_is_dark(silent: set[int], back: Node, *, lasts: bool, at_school: bool) -> None:
    nodes = {f"n{n}": back for n in HOUSE if n not in silent}
    found = gather(scene(silent, LOOSE, TWO_HOUSES, OPEN, at_school=at_school, **nodes))
    assert found == (power_off(silent, 2) if lasts else [])


@pytest.mark.parametrize(
    ("nodes", "at_school", "expected"),
    [
        pytest.param({3: down(failures=3)}, True, set(), id="the others have been heard since"),
        pytest.param({n: down(failures=3) for n in ALL}, True, set(ALL), id="nobody has"),
        pytest.param({n: down(failures=PATIENCE) for n in ALL}, True, set(), id="nobody has, and that for long"),
        pytest.param({n: down(failures=3) for n in HOUSE}, True, set(), id="the other house was, during lessons"),
        pytest.param({n: down(failures=3) for n in HOUSE}, False, set(HOUSE), id="the other house was, at night"),
    ],
)
def test_who_would_be_to_blame_waits_for_a_word_from_around(
    nodes: dict[int, Node], expected: set[int], *, at_school: bool
) -> None:
    around = scene(set(), LOOSE, TWO_HOUSES, at_school=at_school, **{f"n{n}": node for n, node in nodes.items()})
    assert undecided(around) == expected


@pytest.mark.parametrize(
    ("silent", "parents", "expected"),
    [
        pytest.param(ALL, {one: above for one, above in TREE.items() if one not in {7, 8}}, {7: 1, 8: 1}, id="two uncabled"),
        pytest.param(ALL, TREE, {}, id="all cabled"),
        pytest.param(ALL, LOOSE, {}, id="none cabled"),
        pytest.param(ALL - {8}, {one: above for one, above in TREE.items() if one != 7}, {}, id="one of them answers"),
    ],
)
def test_who_falls_silent_with_a_whole_site_is_explained_by_what_most_of_it_hangs_on(
    silent: frozenset[int], parents: dict[int, frozenset[int]], expected: dict[int, int]
) -> None:
    found = scene(silent, parents, ONE_HOUSE, at_school=True)
    assert gathering.strays(found) == expected
    assert gather(found) == ([Gathering(Kind.SILENT_SITE, None, ALL, 1)] if parents is LOOSE else [])


def test_who_was_explained_by_something_that_is_back_is_given_time_to_start() -> None:
    silent = down(suppressed=True)
    assert undecided(scene(set(), LOOSE, {}, n1=JUST_BACK, n8=silent)) == {8}
    assert undecided(scene(set(), LOOSE, {}, n1=LONG_BACK, n8=silent)) == set()


def test_a_root_cause_does_not_wait_for_what_hangs_on_it() -> None:
    assert undecided(scene(set(), TREE, ONE_HOUSE, **{f"n{n}": down(failures=3) for n in ALL})) == set()


@pytest.mark.parametrize(
    ("kind", "at_school", "already", "expected"),
    [
        (Kind.POWER_OFF, True, False, True),
        (Kind.POWER_OFF, False, False, False),
        (Kind.POWER_OFF, True, True, False),
        (Kind.SILENT_SITE, True, False, False),
    ],
)
def test_confirmed(kind: Kind, *, at_school: bool, already: bool, expected: bool) -> None:
    assert confirmed(kind, at_school=at_school, already=already) is expected


def test_the_verdicts_are_those_of_causes() -> None:
    assert {verdict.kind for verdict in scene(HOUSE, TREE, TWO_HOUSES).verdicts.values()} == {
        causes.Kind.FINE,
        causes.Kind.ROOT,
        causes.Kind.SUPPRESSED,
    }
    assert gathering.SEVERAL == 2
