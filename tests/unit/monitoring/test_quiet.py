"""An access point without clients among full ones."""

from datetime import UTC, datetime, timedelta

import pytest

from fleet.monitoring.rules.quiet import HOLD, Spot, Step, judge, neighbours, public_count

NOW = datetime(2026, 11, 25, 8, 20, tzinfo=UTC)


def spot(device: int, clients: int | None, *, floor: int | None = 1, switch: int = 90, site: int = 1) -> Spot:
    return Spot(device, clients, site, 7 if floor is not None else None, floor, frozenset({switch}))


EMPTY = spot(1, 0)
FULL = [spot(2, 20), spot(3, 18)]


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        pytest.param([spot(2, 9), spot(3, 9), spot(4, 9, floor=2, switch=91)], [2, 3], id="floor"),
        pytest.param([spot(2, 9, floor=2), spot(3, 9, floor=3), spot(4, 9, floor=2, switch=91)], [2, 3], id="switch"),
        pytest.param([spot(2, 9), spot(4, 9, floor=2, switch=91)], [2, 4], id="too few near: the site"),
        pytest.param([spot(2, 9, site=2), spot(3, None)], [], id="another site, and one that does not say"),
    ],
)
def test_neighbours(others: list[Spot], expected: list[int]) -> None:
    assert [one.device for one in neighbours(EMPTY, [EMPTY, *others])] == expected


@pytest.mark.parametrize(
    ("own", "around", "since", "alerting", "expected"),
    [
        pytest.param(0, FULL, None, False, (Step.NONE, True), id="just noticed"),
        pytest.param(0, FULL, NOW - HOLD, False, (Step.OPEN, True), id="it has lasted"),
        pytest.param(0, FULL, NOW - HOLD + timedelta(seconds=1), False, (Step.NONE, True), id="not long enough"),
        pytest.param(1, FULL, NOW - HOLD, False, (Step.NONE, False), id="somebody is there"),
        pytest.param(None, FULL, NOW - HOLD, False, (Step.NONE, False), id="it does not say"),
        pytest.param(0, FULL[:1], NOW - HOLD, False, (Step.NONE, False), id="one neighbour is none"),
        pytest.param(0, [spot(2, 20), spot(3, 0), spot(4, 0)], NOW - HOLD, False, (Step.NONE, False), id="most are empty"),
        pytest.param(0, [], None, True, (Step.NONE, False), id="it stays while nobody comes"),
        pytest.param(1, [], None, True, (Step.CLOSE, False), id="the first client ends it"),
    ],
)
def test_judge(
    own: int | None,
    around: list[Spot],
    since: datetime | None,
    expected: tuple[Step, bool],
    *,
    alerting: bool,
) -> None:
    assert judge(spot(1, own), around, since, NOW, alerting=alerting) == expected


@pytest.mark.parametrize(("count", "shown"), [(0, "<5"), (4, "<5"), (5, "5"), (31.0, "31")])
def test_small_numbers_of_people_are_not_told_to_everybody(count: float, shown: str) -> None:
    assert public_count(count) == shown
