"""The latest reading, taken apart into tables by what the device has: radios, supplies, battery, processor, sensors."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from fleet.monitoring import metrics, words

FULL = 100.0


@dataclass(frozen=True)
class Pill:
    state: str
    word: str


@dataclass(frozen=True)
class Bar:
    """A share of something, drawn and said; `state` colours it where a limit says that it is too much or too little."""

    percent: float
    said: str
    state: str = "info"

    @property
    def width(self) -> str:
        """As an SVG attribute wants it."""
        return f"{min(FULL, max(0.0, self.percent)):.1f}"


@dataclass(frozen=True)
class Part:
    """A table of the device page; a cell is text, a Pill or a Bar."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    @property
    def labelled(self) -> list[list[tuple[str, Any]]]:
        """Each cell with the name of its column: on the phone a row is a list of such pairs."""
        return [list(zip(self.columns, row, strict=True)) for row in self.rows]


def parts(reading: Mapping[str, Any], kind: str) -> list[Part]:
    found = (
        _radios(reading),
        _ssids(reading),
        _supplies(reading, kind),
        _ups(reading, kind),
        _load(reading, kind),
        _temperatures(reading),
    )
    return [part for part in found if part is not None]


def _radios(reading: Mapping[str, Any]) -> Part | None:
    radios = (reading.get("wireless") or {}).get("radios")
    if not radios:
        return None
    rows = [
        (
            f"{one['band']} GHz" if one.get("band") else "–",
            said(one.get("channel")),
            _bar("channel_utilisation_percent", one.get("utilisation_percent"), "access-point"),
            said(one.get("clients")),
            said(one.get("power_dbm"), "dBm"),
        )
        for one in radios
    ]
    return Part(_("Radios"), (_("Band"), _("Channel"), _("Utilisation"), _("Devices"), _("Power")), rows)


def _ssids(reading: Mapping[str, Any]) -> Part | None:
    wireless = reading.get("wireless") or {}
    names = wireless.get("ssids") or list(wireless.get("clients_by_ssid") or {})
    if not names:
        return None
    clients = wireless.get("clients_by_ssid") or {}
    return Part(_("Wi-Fi networks"), (_("SSID"), _("Devices")), [(name, said(clients.get(name))) for name in names])


def _supplies(reading: Mapping[str, Any], kind: str) -> Part | None:
    supplies = reading.get("supplies")
    if not supplies:
        return None
    rows = [
        (one.get("name") or one.get("kind") or "–", _bar("supply_percent", one.get("percent"), kind)) for one in supplies
    ]
    return Part(_("Supplies"), (_("Supply"), _("Left")), rows)


def _ups(reading: Mapping[str, Any], kind: str) -> Part | None:
    ups = reading.get("ups")
    if not ups:
        return None
    rows = [*_feed(ups), *_battery(ups, kind)]
    return Part(_("Power supply"), (_("What"), _("Value")), rows) if rows else None


def _feed(ups: Mapping[str, Any]) -> Iterable[tuple[str, Pill]]:
    if ups.get("on_battery") is not None:
        pill = Pill("down", _("on battery")) if ups["on_battery"] else Pill("ok", _("from the mains"))
        yield _("Fed"), pill


def _battery(ups: Mapping[str, Any], kind: str) -> Iterable[tuple[str, Any]]:
    if ups.get("charge_percent") is not None:
        yield _("Battery charge"), _bar("battery_charge_percent", ups["charge_percent"], kind)
    if ups.get("runtime_s") is not None:
        yield _("Runtime on battery"), words.duration(ups["runtime_s"])
    if ups.get("load_percent") is not None:
        yield _("Load"), _bar("battery_load_percent", ups["load_percent"], kind)


def _load(reading: Mapping[str, Any], kind: str) -> Part | None:
    """Processors, memory, and the volumes that a server lists beside it."""
    rows: list[Sequence[Any]] = []
    cpus = [one for one in reading.get("cpu_percent") or [] if one is not None]
    for number, percent in enumerate(cpus, start=1):
        name = _("Processor %d") % number if len(cpus) > 1 else _("Processor")
        rows.append((name, _bar("cpu_percent", percent, kind), "–"))
    for one in reading.get("memory") or []:
        size = words.size(one["total_bytes"]) if one.get("total_bytes") else "–"
        rows.append((one.get("name") or _("Memory"), _bar("memory_percent", one.get("percent"), kind), size))
    return Part(_("Processor, memory and disks"), (_("What"), _("In use"), _("Size")), rows) if rows else None


def _temperatures(reading: Mapping[str, Any]) -> Part | None:
    rows = [(one.get("name") or "–", said(one.get("value"), "°C")) for one in reading.get("temperatures_c") or []]
    return Part(_("Temperatures"), (_("Sensor"), _("Value")), rows) if rows else None


def _bar(metric: str, percent: float | None, kind: str) -> Bar | str:
    return "–" if percent is None else Bar(percent, said(percent, "%"), _state(metric, percent, kind))


def _state(metric: str, percent: float, kind: str) -> str:
    known = metrics.known().get(metric)
    threshold = known.default(kind) if known else None
    if threshold is None or not threshold.crossed(percent):
        return "info"
    return "down" if threshold.severity == "critical" else "watch"


def said(value: float | None, unit: str = "") -> str:
    return "–" if value is None else f"{words.number(value)} {unit}".strip()
