"""What hangs on what, as a tree."""

from collections.abc import Sequence
from typing import Any

import pytest

from fleet.monitoring.rules.tree import Branch, forest


def drawn(branches: Sequence[Branch]) -> list[Any]:
    return [(one.device, drawn(one.below)) if one.below else one.device for one in branches]


@pytest.mark.parametrize(
    ("parents", "expected"),
    [
        ({}, []),
        ({3: [2], 2: [1], 4: [2], 5: [1]}, [(1, [(2, [3, 4]), 5])]),
        ({3: [1, 2], 2: [1]}, [(1, [2, 3])]),  # two ways up: under the first
        ({2: [3], 3: [2], 4: [1]}, [(1, [4])]),  # a circle
        ({2: [99]}, []),  # hangs on something that is not known here
    ],
)
def test_a_forest(parents: dict[int, list[int]], expected: list[Any]) -> None:
    assert drawn(forest(parents, {1, 2, 3, 4, 5})) == expected
