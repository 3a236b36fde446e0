"""All machines of the lab, how they are cabled, what is broken, and what they have to say by themselves."""

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from fleet.lab.city import City, Platform
from fleet.lab.faults import HEALTHY, Fault, judge
from fleet.lab.world.access_point import AccessPoint
from fleet.lab.world.machine import Clock, Machine, SystemClock
from fleet.lab.world.plain import Gateway, Printer, Ups
from fleet.lab.world.switch import Switch

MACHINES: dict[Platform, Callable[..., Machine]] = {
    "openwrt": AccessPoint,
    "labswitch": Switch,
    "ios": Switch,
    "aos-cx": Switch,
    "procurve": Switch,
    "gateway": Gateway,
    "printer": Printer,
    "ups": Ups,
}
FORMAT = 2


@dataclass(frozen=True)
class Announcement:
    """What a device tells unasked (a trap, RFC 3418): it started, or a link of its changed."""

    machine: Machine
    kind: Literal["coldStart", "linkDown", "linkUp"]
    ifIndex: int | None = None  # noqa: N815  (the MIB's own word)


class World:
    """The lab's devices by address. One process owns it; nothing in it waits."""

    def __init__(self, city: City, clock: Clock | None = None, seed: int = 1) -> None:
        self.city = city
        self.clock = clock or SystemClock()
        self.seed = seed
        self.behind = cache(self._behind)
        self.all_behind = cache(self._all_behind)
        self.cabling = cache(self._cabling)
        self._machines: dict[str, Machine] = {}
        for device in city.devices:
            self._machines[device.key] = MACHINES[device.platform](device, self)
        self._by_address = {machine.device.address: machine for machine in self.machines}
        self._started = {machine.device.key: machine.booted_at for machine in self.machines}
        self._links = self._link_states()

    # --- who is there -------------------------------------------------------------------------------------------------

    @property
    def machines(self) -> Iterable[Machine]:
        return self._machines.values()

    def device(self, address: str) -> Machine | None:
        return self._by_address.get(address)

    def by_key(self, key: str) -> Machine:
        """Raises KeyError for a device the city does not have."""
        return self._machines[key]

    def switch(self, key: str) -> Switch:
        machine = self._machines[key]
        if not isinstance(machine, Switch):
            raise TypeError(f"{key} is no switch")
        return machine

    def _behind(self, key: str) -> list[Machine]:
        return [m for m in self.machines if m.device.uplink and m.device.uplink.device == key]

    def _all_behind(self, key: str) -> list[Machine]:
        direct = self.behind(key)
        return direct + [below for machine in direct for below in self.all_behind(machine.device.key)]

    def _cabling(self, key: str) -> dict[int, Machine]:
        """port of `key` → machine at the other end of the cable, upwards and downwards."""
        ports = {m.device.uplink.port: m for m in self._behind(key) if m.device.uplink}
        uplink = self._machines[key].device.uplink
        return ports | ({uplink.local_port: self._machines[uplink.device]} if uplink else {})

    # --- what is broken -----------------------------------------------------------------------------------------------

    def set_faults(self, faults: Iterable[Fault]) -> None:
        judged = judge(faults, self._machines)
        for key, machine in self._machines.items():
            machine.faults = judged.get(key, HEALTHY)

    # --- what they say unasked ----------------------------------------------------------------------------------------

    def tick(self) -> list[Announcement]:
        """What changed since the last tick that a device would send a trap about. Only who can be heard speaks."""
        return [said for said in (*self._starts(), *self._link_changes()) if said.machine.reachable]

    def _starts(self) -> list[Announcement]:
        started = [m for m in self.machines if m.reachable and m.booted_at != self._started[m.device.key]]
        self._started |= {machine.device.key: machine.booted_at for machine in started}
        return [Announcement(machine, "coldStart") for machine in started if isinstance(machine, AccessPoint | Switch)]

    def _link_changes(self) -> list[Announcement]:
        before, self._links = self._links, self._link_states()
        return [
            Announcement(self._machines[key], "linkUp" if up else "linkDown", port)
            for (key, port), up in self._links.items()
            if before[key, port] != up
        ]

    def _link_states(self) -> dict[tuple[str, int], bool]:
        return {
            (machine.device.key, port): machine.oper_up(port)
            for machine in self.machines
            if isinstance(machine, Switch)
            for port in self.cabling(machine.device.key)
        }

    # --- surviving a restart ------------------------------------------------------------------------------------------

    def save(self, path: Path) -> None:
        kept = {"format": FORMAT, "machines": {key: machine.snapshot() for key, machine in self._machines.items()}}
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(kept))
        draft.replace(path)

    def load(self, path: Path) -> bool:
        """Takes up the state kept at `path`; False when there is none of this format (then the lab starts fresh)."""
        try:
            kept = json.loads(path.read_text())
        except FileNotFoundError:
            return False
        if kept.get("format") != FORMAT:
            return False
        for key, state in kept["machines"].items():
            if key in self._machines:
                self._machines[key].restore(state)
        self._started = {machine.device.key: machine.booted_at for machine in self.machines}
        self._links = self._link_states()
        return True
