"""Asks one device over SNMP what it is and how it is. A technician's tool; the JSON is stable."""

import asyncio
import getpass
import json
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fleet.snmp.errors import SnmpError
from fleet.snmp.fetch import PysnmpFetcher
from fleet.snmp.read import read
from fleet.snmp.types import (
    Auth,
    Credential,
    Interface,
    Priv,
    Radio,
    Reading,
    Target,
    V1Credential,
    V2cCredential,
    V3Credential,
)


class Command(BaseCommand):
    help = "Asks one device over SNMP what it is and how it is."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", help="IP address or name of the device")
        parser.add_argument("--port", type=int, default=161)
        parser.add_argument("--timeout", type=float, default=2.0, help="seconds to wait, per attempt")
        parser.add_argument("--retries", type=int, default=1)
        parser.add_argument("--json", action="store_true", help="print the reading as JSON")
        v2c = parser.add_argument_group("SNMPv1 and v2c")
        v2c.add_argument("--community", help='"-" asks for it, so that it does not stand in the list of processes')
        v2c.add_argument("--v1", action="store_true", help="speak SNMPv1, for agents that know nothing newer")
        v3 = parser.add_argument_group("SNMPv3")
        v3.add_argument("--v3-user")
        v3.add_argument("--auth", type=str.lower, choices=[*Auth], default=Auth.NONE)
        v3.add_argument("--auth-key", default="", help='pass phrase; "-" asks for it')
        v3.add_argument("--priv", type=str.lower, choices=[*Priv], default=Priv.NONE)
        v3.add_argument("--priv-key", default="", help='pass phrase; "-" asks for it')

    def handle(self, *_: Any, **options: Any) -> None:
        target = Target(options["address"], options["port"], _credential(options), options["timeout"], options["retries"])
        reading = asyncio.run(_ask(target))
        if options["json"]:
            self.stdout.write(json.dumps(reading.as_dict(), ensure_ascii=False))
        else:
            self.stdout.write("\n".join(_sentences(reading)))
        if not reading.reachable:
            raise CommandError(f"{target.address}:{target.port} could not be read.", returncode=1)


async def _ask(target: Target) -> Reading:
    async with PysnmpFetcher() as fetcher:
        try:
            return await read(fetcher, target)
        except SnmpError as error:
            return replace(Reading.unreachable(), problems=(str(error),))


def _credential(options: dict[str, Any]) -> Credential:
    """Raises CommandError if the options do not make one credential."""
    if bool(options["v3_user"]) == bool(options["community"]):
        raise CommandError("Give either --community or --v3-user.")
    if options["community"]:
        community = _secret(options["community"], "Community: ")
        return V1Credential(community) if options["v1"] else V2cCredential(community)
    try:
        return V3Credential(
            options["v3_user"],
            Auth(options["auth"]),
            _secret(options["auth_key"], "Authentication pass phrase: "),
            Priv(options["priv"]),
            _secret(options["priv_key"], "Privacy pass phrase: "),
        )
    except ValueError as error:
        raise CommandError(str(error)) from error


def _secret(given: str, prompt: str) -> str:
    return getpass.getpass(prompt) if given == "-" else given


def _sentences(reading: Reading) -> Iterator[str]:
    if reading.reachable:
        yield from _identity(reading)
        yield from _health(reading)
        yield from _wireless(reading)
        yield from _power(reading)
        yield from _surroundings(reading)
    for problem in reading.problems:
        yield f"Could not be read: {problem}"


def _identity(reading: Reading) -> Iterator[str]:
    yield f"{reading.sysName or 'Without a name'}: {reading.kind or 'unknown kind'} (profile {reading.profile})"
    facts = (
        ("Vendor", reading.vendor),
        ("Model", reading.model),
        ("Firmware", reading.firmware),
        ("Serial", reading.serial),
    )
    for label, fact in (*facts, ("sysDescr", reading.sysDescr), ("sysObjectID", reading.sysObjectID)):
        if fact is not None:
            yield f"  {label:<12} {fact}"


def _health(reading: Reading) -> Iterator[str]:
    if reading.uptime_s is not None:
        hours, rest = divmod(reading.uptime_s, 3600)
        yield f"  {'Running for':<12} {hours // 24} d {hours % 24} h {rest // 60} min"
    if reading.cpu_percent:
        yield f"  {'Processors':<12} {', '.join(f'{percent} %' for percent in reading.cpu_percent)}"
    for pool in reading.memory or ():
        yield f"  {'Memory':<12} {pool.name or ''} {_number(pool.percent, '%')}"
    for sensor in reading.temperatures_c or ():
        yield f"  {'Temperature':<12} {sensor.name or ''} {_number(sensor.value, '°C')}"
    yield from (_interface(interface) for interface in reading.interfaces or ())


def _interface(interface: Interface) -> str:
    speed = "" if not interface.speed_bps else f"{interface.speed_bps / 1e6:g} Mbit/s"
    errors = f"{_number(interface.in_errors)}/{_number(interface.out_errors)} errors"
    state = f"{interface.oper or '?'} (admin {interface.admin or '?'})"
    name = f"{interface.name or '?'} {interface.alias or ''}".strip()
    return f"  Interface {interface.ifIndex:<5} {name:<24} {state:<24} {speed:<12} {errors}"


def _wireless(reading: Reading) -> Iterator[str]:
    wireless = reading.wireless
    if wireless is None:
        return
    if wireless.clients is not None:
        yield f"  {'Wi-Fi':<12} {wireless.clients} clients"
    if wireless.ssids is not None:
        yield f"  {'SSIDs':<12} {', '.join(wireless.ssids) or 'none'}"
    yield from (_radio(radio) for radio in wireless.radios or ())
    if wireless.access_point_count is not None:
        yield f"  {'Controls':<12} {wireless.access_point_count} access points"


def _radio(radio: Radio) -> str:
    return f"  {'Radio':<12} {radio.band or '?'} GHz, channel {_number(radio.channel)}, {_number(radio.clients)} clients"


def _power(reading: Reading) -> Iterator[str]:
    for supply in reading.supplies or ():
        yield f"  {'Supply':<12} {supply.name or supply.kind}: {_number(supply.percent, '%')}"
    if reading.ups is not None:
        source = {True: "battery", False: "mains", None: "unknown source"}[reading.ups.on_battery]
        load, charge = _number(reading.ups.load_percent, "%"), _number(reading.ups.charge_percent, "%")
        yield f"  {'UPS':<12} on {source}, load {load}, charge {charge}, {_number(reading.ups.runtime_s, 's')} left"
    for port in reading.poe or ():
        yield f"  {'PoE port':<12} {port.ifIndex}: {port.admin or '?'}, {port.status or '?'}"


def _surroundings(reading: Reading) -> Iterator[str]:
    for neighbour in reading.neighbours or ():
        where = f"at interface {neighbour.local_ifIndex}" if neighbour.local_ifIndex is not None else ""
        yield f"  {'Neighbour':<12} {neighbour.name or '?'}, {neighbour.port or '?'} {where}"


def _number(value: float | None, unit: str = "") -> str:
    return "?" if value is None else f"{value:g} {unit}".strip()
