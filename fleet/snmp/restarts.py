"""A device that restarts while it is asked: half of what it said is of another life, and its counters began anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fleet.snmp.errors import SnmpRestarted
from fleet.snmp.types import Target, Value

Result = TypeVar("Result")

TIMES = 3
"""So often something is asked anew: who restarts again and again meanwhile cannot be read."""
TICKS_PER_S = 100
SLACK_TICKS = TICKS_PER_S
"""Agents that answer from several threads may be a little behind themselves."""


async def unbroken(ask: Callable[[], Awaitable[Result]]) -> Result:
    """What `ask` brings, from the beginning if the device restarts in its middle. Raises SnmpRestarted in the end."""
    for _ in range(TIMES - 1):
        try:
            return await ask()
        except SnmpRestarted:
            continue
    return await ask()


def check(target: Target, before: Value | None, after: Value | None, elapsed_s: float = 0.0) -> None:
    """Of two values of sysUpTime, in hundredths of a second (RFC 3418). Raises SnmpRestarted."""
    if restarted(before, after, elapsed_s):
        raise SnmpRestarted(f"{target.address}:{target.port} restarted while it was asked")


def restarted(before: Value | None, after: Value | None, elapsed_s: float) -> bool:
    """Whether it runs for less long than before, or for less long than it has been asked. One that stands still tells
    nothing; its wrap after 497 days counts as a restart."""
    if type(before) is not int or type(after) is not int or before == after:
        return False
    return after + SLACK_TICKS < before or after + SLACK_TICKS < elapsed_s * TICKS_PER_S
