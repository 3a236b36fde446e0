"""What every simulated device has: power, a way to the gateway, an uptime, faults."""

import hashlib
import math
from collections.abc import Callable, Hashable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from fleet.lab.city import City, Device, SnmpV2c
from fleet.lab.faults import HEALTHY, DeviceFaults

BOOT_S = 4.0
"""How long a device of the lab takes from power to its first answer; a real one takes one to three minutes."""
DAY_S = 86_400


class Clock(Protocol):
    def now(self) -> datetime:
        """The present, with a time zone."""


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Around(Protocol):
    """The world as a machine sees it. Keys are those of devices."""

    city: City
    clock: Clock
    seed: int

    def by_key(self, key: str) -> "Machine": ...

    @property
    def behind(self) -> "Callable[[str], list[Machine]]":
        """What hangs on it directly."""

    @property
    def all_behind(self) -> "Callable[[str], list[Machine]]": ...

    @property
    def cabling(self) -> "Callable[[str], dict[int, Machine]]":
        """port → machine at the other end of the cable."""


class Machine:
    """A device that is on (or not). `device` says what it was built as, the rest how it is now."""

    def __init__(self, device: Device, world: Around) -> None:
        self.device = device
        self.world = world
        self.faults: DeviceFaults = HEALTHY
        self.booted_at = world.clock.now() - timedelta(seconds=DAY_S + roll(DAY_S * 40, device.key, "boot"))
        """In the future while it boots."""

    @property
    def key(self) -> str:
        return self.device.key

    @property
    def address(self) -> str:
        return self.device.address

    # --- how it is ----------------------------------------------------------------------------------------------------

    @property
    def hostname(self) -> str:
        return self.device.key

    @property
    def location(self) -> str:
        return self.device.room

    @property
    def contact(self) -> str:
        return "it@musterstadt.example"

    @property
    def communities(self) -> frozenset[str]:
        """What it accepts with SNMP v1 and v2c."""
        if self.faults.wrong_community or not isinstance(self.device.snmp, SnmpV2c):
            return frozenset()
        return frozenset({self.device.snmp.community})

    @property
    def now(self) -> datetime:
        return self.world.clock.now()

    @property
    def local_now(self) -> datetime:
        return self.now.astimezone(ZoneInfo(self.world.city.time_zone))

    @property
    def uptime_s(self) -> float:
        return max(0.0, (self.now - self.booted_at).total_seconds())

    @property
    def uptime_ticks(self) -> int:
        """sysUpTime, hundredths of a second (SNMPv2-MIB), wrapping at 2³²."""
        return int(self.uptime_s * 100) % 2**32

    @property
    def powered(self) -> bool:
        return True

    @property
    def up(self) -> bool:
        """It runs: has power, has booted, is not dead. Says nothing about the way to it."""
        return not self.faults.dead and self.powered and self.now >= self.booted_at

    @property
    def reachable(self) -> bool:
        """It runs and so does everything between it and the gateway. Unreachable: no answer on any protocol."""
        return self.up and (self.parent is None or (self.parent.carries(self) and self.parent.reachable))

    def shape(self) -> Hashable:
        """Changes when rows appear in or vanish from the tables it shows; values alone do not count."""
        return ()

    @property
    def ssh_delay(self) -> float:
        """Seconds before an SSH connection gets anywhere."""
        return self.faults.delay_s

    # --- what hangs where ---------------------------------------------------------------------------------------------

    @property
    def parent(self) -> "Machine | None":
        link = self.device.uplink
        return self.world.by_key(link.device) if link else None

    @property
    def children(self) -> "list[Machine]":
        return self.world.behind(self.device.key)

    def carries(self, child: "Machine") -> bool:
        """Whether the port `child` hangs on lets frames through."""
        return child.parent is self

    def delivers(self, number: int) -> bool:
        """Whether that port of its would power a device right now."""
        del number  # only a switch feeds what hangs on it
        return False

    # --- what can be done to it ---------------------------------------------------------------------------------------

    def reboot(self, down_s: float = BOOT_S) -> None:
        """Unreachable for `down_s` seconds, then back with a fresh uptime."""
        self.booted_at = self.now + timedelta(seconds=down_s)

    def snapshot(self) -> dict[str, Any]:
        """What must survive a restart of the lab, as JSON values."""
        return {"booted_at": self.booted_at.isoformat()}

    def restore(self, kept: dict[str, Any]) -> None:
        self.booted_at = datetime.fromisoformat(kept["booted_at"])

    # --- numbers that live --------------------------------------------------------------------------------------------

    def counted(self, per_second: float, *what: str) -> int:
        """A counter since boot that grows by about `per_second`, faster by day than by night; never backwards."""
        offset = roll(DAY_S, self.device.key, *what)
        return int(per_second * (_lived(self.now.timestamp(), offset) - _lived(self.booted_at.timestamp(), offset)))


def _lived(at_s: float, offset: int) -> float:
    """The integral of a day's activity (1 − 0.8 cos at night) with a ripple of five minutes; strictly growing."""
    day, ripple = DAY_S / math.tau, 300 / math.tau
    return at_s - 0.8 * day * math.sin(at_s / day) + 0.15 * ripple * math.sin((at_s + offset) / ripple)


@lru_cache(maxsize=65_536)
def roll(sides: int, *what: object) -> int:
    """A number below `sides`, always the same for the same `what`."""
    text = "\0".join(str(part) for part in what)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest(), "big") % sides
