"""The latest reading, taken apart into tables by what the device has: radios, interfaces, supplies, sensors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from fleet.monitoring import words


@dataclass(frozen=True)
class Pill:
    state: str
    word: str


@dataclass(frozen=True)
class Part:
    """A table of the device page; a cell is text or a Pill."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def parts(reading: Mapping[str, Any]) -> list[Part]:
    found = (
        _radios(reading),
        _ssids(reading),
        _interfaces(reading),
        _supplies(reading),
        _sensors(reading),
        _neighbours(reading),
    )
    return [part for part in found if part is not None]


def _radios(reading: Mapping[str, Any]) -> Part | None:
    radios = (reading.get("wireless") or {}).get("radios")
    if not radios:
        return None
    rows = [
        (
            f"{one['band']} GHz" if one.get("band") else "–",
            _said(one.get("channel")),
            _said(one.get("power_dbm"), "dBm"),
            _said(one.get("clients")),
            _said(one.get("utilisation_percent"), "%"),
        )
        for one in radios
    ]
    return Part(_("Radios"), (_("Band"), _("Channel"), _("Power"), _("Devices"), _("Utilisation")), rows)


def _ssids(reading: Mapping[str, Any]) -> Part | None:
    wireless = reading.get("wireless") or {}
    names = wireless.get("ssids") or list(wireless.get("clients_by_ssid") or {})
    if not names:
        return None
    clients = wireless.get("clients_by_ssid") or {}
    return Part(_("Wi-Fi networks"), (_("SSID"), _("Devices")), [(name, _said(clients.get(name))) for name in names])


def _interfaces(reading: Mapping[str, Any]) -> Part | None:
    interfaces = reading.get("interfaces")
    if not interfaces:
        return None
    poe = {one["ifIndex"]: one for one in reading.get("poe") or []}
    columns = [_("Interface"), "ifOperStatus", _("Speed"), _("Errors received"), _("MAC address")]
    rows = [_interface(one, poe.get(one["ifIndex"]) if poe else None) for one in interfaces]
    if poe:
        columns.insert(3, _("PoE"))
    else:
        rows = [(*row[:3], *row[4:]) for row in rows]
    return Part(_("Interfaces"), columns, rows)


def _interface(one: Mapping[str, Any], poe: Mapping[str, Any] | None) -> tuple[Any, ...]:
    name = one.get("name") or str(one["ifIndex"])
    alias = one.get("alias")
    oper = one.get("oper") or "–"
    state = "ok" if oper == "up" else "down" if oper == "down" and one.get("admin") == "up" and alias else "unknown"
    return (
        f"{name} · {alias}" if alias and alias != name else name,
        Pill(state, oper),
        words.speed(one.get("speed_bps")),
        _poe(poe),
        _said(one.get("in_errors")),
        one.get("mac") or "–",
    )


def _poe(port: Mapping[str, Any] | None) -> str:
    if port is None:
        return "–"
    if port.get("power_w"):
        return f"{words.number(port['power_w'])} W"
    return str(port.get("status") or port.get("admin") or "–")


def _supplies(reading: Mapping[str, Any]) -> Part | None:
    supplies = reading.get("supplies")
    if not supplies:
        return None
    rows = [(one.get("name") or one.get("kind") or "–", _said(one.get("percent"), "%")) for one in supplies]
    return Part(_("Supplies"), (_("Supply"), _("Left")), rows)


def _sensors(reading: Mapping[str, Any]) -> Part | None:
    rows = [(one.get("name") or "–", _said(one.get("value"), "°C")) for one in reading.get("temperatures_c") or []]
    ups = reading.get("ups") or {}
    for key, title, unit in (
        ("charge_percent", _("Battery charge"), "%"),
        ("load_percent", _("Load"), "%"),
    ):
        if ups.get(key) is not None:
            rows.append((title, _said(ups[key], unit)))
    if ups.get("runtime_s") is not None:
        rows.append((_("Runtime on battery"), words.duration(ups["runtime_s"])))
    return Part(_("Sensors"), (_("Sensor"), _("Value")), rows) if rows else None


def _neighbours(reading: Mapping[str, Any]) -> Part | None:
    neighbours = reading.get("neighbours")
    if not neighbours:
        return None
    names = {one["ifIndex"]: one.get("name") for one in reading.get("interfaces") or []}
    rows = [
        (names.get(one.get("local_ifIndex")) or "–", one.get("name") or "–", one.get("port") or "–") for one in neighbours
    ]
    return Part(_("Neighbours (LLDP)"), (_("Own port"), _("Neighbour"), _("Its port")), rows)


def _said(value: float | None, unit: str = "") -> str:
    return "–" if value is None else f"{words.number(value)} {unit}".strip()
