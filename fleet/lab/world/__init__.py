"""The living state of the lab's devices, shared by everything that shows or changes it (SNMP, SSH)."""

from fleet.lab.world.access_point import AccessPoint, Bss
from fleet.lab.world.machine import Clock, Machine, SystemClock
from fleet.lab.world.plain import Gateway, Printer, Ups
from fleet.lab.world.switch import Neighbour, PortConfig, PortState, Switch, SwitchConfig
from fleet.lab.world.world import Announcement, World

__all__ = [
    "AccessPoint",
    "Announcement",
    "Bss",
    "Clock",
    "Gateway",
    "Machine",
    "Neighbour",
    "PortConfig",
    "PortState",
    "Printer",
    "Switch",
    "SwitchConfig",
    "SystemClock",
    "Ups",
    "World",
]
