"""Devices that are only looked at: gateway, printer, UPS."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fleet.lab.city import Device
from fleet.lab.world.machine import DAY_S, Around, Machine, roll

PAGES_PER_DAY = 180
PAGES_PER_TONER = 5_200
BATTERY_LASTS_S = 1_800
RECHARGE_S = 7_200


class Gateway(Machine):
    """The site's way out; everything hangs behind it."""


@dataclass(frozen=True)
class Supply:
    name: str
    kind: str
    capacity: int
    """In the unit of level; prtMarkerSuppliesMaxCapacity."""
    level: int


class Printer(Machine):
    def pages(self) -> int:
        """Life count; does not start anew with a restart."""
        born = roll(40_000, self.device.key, "pages")
        return born + int(self.now.timestamp() % (400 * DAY_S) / DAY_S * PAGES_PER_DAY)

    def supplies(self) -> tuple[Supply, ...]:
        """Toner falls with the pages and is replaced when it is empty."""
        left = 100 - (self.pages() % PAGES_PER_TONER) * 100 // PAGES_PER_TONER
        drum = 100 - (self.pages() % (10 * PAGES_PER_TONER)) * 100 // (10 * PAGES_PER_TONER)
        return (Supply("Black Toner Cartridge", "toner", 100, left), Supply("Drum Unit", "opc", 100, drum))


class Ups(Machine):
    def __init__(self, device: Device, world: Around) -> None:
        super().__init__(device, world)
        self._charge = 100.0
        self._seen: datetime = world.clock.now()

    @property
    def on_battery(self) -> bool:
        return self.faults.on_battery

    @property
    def on_battery_s(self) -> int:
        return int((100 - self.charge_percent) / 100 * BATTERY_LASTS_S) if self.on_battery else 0

    @property
    def charge_percent(self) -> int:
        self._pass_time()
        return round(self._charge)

    @property
    def runtime_s(self) -> int:
        return round(self.charge_percent / 100 * BATTERY_LASTS_S)

    @property
    def load_percent(self) -> int:
        return 18 + roll(8, self.device.key, self.local_now.strftime("%F %H:%M"))

    def _pass_time(self) -> None:
        """Charge follows the time that went by since anybody looked."""
        now = self.now
        passed = (now - self._seen).total_seconds()
        self._seen = now
        change = -100 * passed / BATTERY_LASTS_S if self.on_battery else 100 * passed / RECHARGE_S
        self._charge = min(100.0, max(0.0, self._charge + change))

    def snapshot(self) -> dict[str, Any]:
        self._pass_time()
        return super().snapshot() | {"charge": self._charge, "seen": self._seen.isoformat()}

    def restore(self, kept: dict[str, Any]) -> None:
        super().restore(kept)
        self._charge = float(kept["charge"])
        self._seen = datetime.fromisoformat(kept["seen"])
