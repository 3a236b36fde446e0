"""Values as octets: nothing measured gets lost, and what was not said stays not said."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.monitoring.rules import packing

numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)
values = st.lists(st.none() | numbers, max_size=200)


@given(values)
def test_what_is_packed_comes_back_in_its_order(said: list[float | None]) -> None:
    packed = packing.pack(said)
    assert len(packed) == packing.SIZE * len(said)
    assert [None if math.isnan(one) else one for one in packing.unpack(packed)] == said


@given(values)
def test_one_value_can_be_read_alone(said: list[float | None]) -> None:
    packed = packing.pack(said)
    assert [packing.value_at(packed, position) for position in range(len(said))] == said


@given(st.integers(0, 2**24))
def test_whole_numbers_stay_exact(count: int) -> None:
    assert packing.value_at(packing.pack([count]), 0) == count


@given(st.floats(1e-30, 1e30))
def test_the_error_is_less_than_any_sensor_resolves(value: float) -> None:
    kept = packing.value_at(packing.pack([value]), 0)
    assert kept is not None
    assert abs(kept - value) <= 6e-8 * value


@given(st.floats(0, 8000).map(lambda value: round(value, 3)))
def test_three_decimals_come_back_as_they_were(value: float) -> None:
    assert packing.said(["x"], packing.pack([value])) == {"x": value}


@pytest.mark.parametrize("beyond", [1e39, -1e39, math.inf, -math.inf, math.nan, 10**400, None])
def test_what_no_number_of_ours_reaches_counts_as_not_said(beyond: float | None) -> None:
    assert packing.said(["a", "b", "c"], packing.pack([1, beyond, 3])) == {"a": 1, "c": 3}


def test_the_octets_are_little_endian_single_precision() -> None:
    """Two machines of different make read the same."""
    assert packing.pack([1.0, 18]) == struct.pack("<ff", 1.0, 18.0) == bytes.fromhex("0000803f00009041")


def test_a_layout_is_its_names_in_their_order() -> None:
    assert packing.digest(["a", "b"]) == packing.digest(("a", "b"))
    assert len({packing.digest(names) for names in (["a", "b"], ["b", "a"], ["ab"], ["a"], [])}) == 5
