"""Telling a restart by sysUpTime, in hundredths of a second."""

from typing import Any

import pytest

from fleet.snmp.restarts import restarted


@pytest.mark.parametrize(
    ("before", "after", "elapsed_s", "told"),
    [
        pytest.param(50_000, 51_000, 10.0, False, id="it ran on"),
        pytest.param(50_000, 800, 10.0, True, id="it counts from zero"),
        pytest.param(500, 900, 20.0, True, id="it had just started, and did so again"),
        pytest.param(50_000, 49_990, 0.0, False, id="a thread of it is a little behind"),
        pytest.param(700, 700, 60.0, False, id="a clock that stands still tells nothing"),
        pytest.param(None, 700, 60.0, False, id="not said at first"),
        pytest.param(50_000, None, 60.0, False, id="not said in the end"),
        pytest.param(b"50000", 700, 60.0, False, id="not a number"),
    ],
)
def test_restarted(before: Any, after: Any, elapsed_s: float, told: bool) -> None:
    assert restarted(before, after, elapsed_s) is told
