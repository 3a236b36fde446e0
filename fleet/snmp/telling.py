"""A Reading in sentences, for a technician's terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.snmp.types import AccessPoint, Interface, Radio, Reading


def sentences(reading: Reading) -> Iterator[str]:
    """Line by line what the device is and how it is; what it did not say is left out, or a question mark."""
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
    for name, clients in sorted((wireless.clients_by_ssid or {}).items()):
        yield f"  {'SSID':<12} {name}: {clients} clients"
    if wireless.access_point_count is not None:
        yield f"  {'Controls':<12} {wireless.access_point_count} access points"
    yield from (_access_point(access_point) for access_point in wireless.access_points or ())


def _radio(radio: Radio) -> str:
    return f"  {'Radio':<12} {radio.band or '?'} GHz, channel {_number(radio.channel)}, {_number(radio.clients)} clients"


def _access_point(access_point: AccessPoint) -> str:
    name = access_point.name or access_point.mac or "?"
    facts = (access_point.model, access_point.serial, access_point.address, access_point.status)
    return f"  {'Access point':<12} {name}: {', '.join(fact for fact in facts if fact) or 'nothing else is known'}"


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
    if reading.vlans:
        yield f"  {'VLANs':<12} {', '.join(map(str, reading.vlans))}"
    if reading.forwarding is not None:
        yield f"  {'Learnt':<12} {len(reading.forwarding)} MAC addresses"
    for neighbour in reading.neighbours or ():
        where = f"at interface {neighbour.local_ifIndex}" if neighbour.local_ifIndex is not None else ""
        yield f"  {'Neighbour':<12} {neighbour.name or '?'}, {neighbour.port or '?'} {where}"


def _number(value: float | None, unit: str = "") -> str:
    return "?" if value is None else f"{value:g} {unit}".strip()
