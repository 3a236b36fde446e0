"""The ports of a device as a table: what each carries now, what hangs on it, what is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.monitoring import words
from fleet.monitoring.rules import ports
from fleet.monitoring.rules.ports import Port, Show
from fleet.monitoring.rules.rooms import DeviceState
from fleet.monitoring.views.readings import said

FILTERS = (
    (Show.ALL, gettext_lazy("All")),
    (Show.UP, gettext_lazy("Only up")),
    (Show.PROBLEMS, gettext_lazy("With problems")),
)


POE_WORDS = {
    "disabled": gettext_lazy("off"),
    "searching": "–",
    "deliveringPower": gettext_lazy("feeds"),
    "fault": gettext_lazy("fault"),
    "otherFault": gettext_lazy("fault"),
    "test": gettext_lazy("test"),
}
"""pethPsePortDetectionStatus (RFC 3621 §4)."""


@dataclass(frozen=True)
class Row:
    """`element` is what the history knows the port by."""

    element: str
    name: str
    alias: str
    state: str
    word: str
    speed: str
    traffic_in: str
    traffic_out: str
    errors: str
    poe: str
    hanging: Sequence[DeviceState]
    port: Port


@dataclass(frozen=True)
class Table:
    rows: Sequence[Row]
    total: int
    counts: Sequence[tuple[str, str, int]]
    """[(value of Show, word, how many)]."""
    show: str
    fed: bool
    """Whether any port says something of PoE."""


MANY = 24
"""A device with more ports than these shows those that are up, as long as nothing is chosen: the rest is mostly empty."""


def chosen(said: str) -> Show | None:
    """None: nothing was chosen."""
    return next((value for value in Show if value == said), None)


def table(
    reading: Mapping[str, Any], lately: Mapping[str, float], hanging: Mapping[str, Sequence[DeviceState]], show: Show | None
) -> Table | None:
    """`lately`: {metric.ifIndex: value} of the last poll; `hanging`: {ifIndex or name: devices}."""
    poe = {str(one["ifIndex"]): one for one in reading.get("poe") or []}
    rows = [_row(one, lately, hanging, poe) for one in reading.get("interfaces") or []]
    if not rows:
        return None
    show = show or (Show.UP if len(rows) > MANY and any(ports.shown(row.port, Show.UP) for row in rows) else Show.ALL)
    counts = [(value.value, str(word), sum(ports.shown(row.port, value) for row in rows)) for value, word in FILTERS]
    return Table([row for row in rows if ports.shown(row.port, show)], len(rows), counts, show.value, bool(poe))


def _row(
    one: Mapping[str, Any],
    lately: Mapping[str, float],
    hanging: Mapping[str, Sequence[DeviceState]],
    poe: Mapping[str, Mapping[str, Any]],
) -> Row:
    key, name, alias = str(one["ifIndex"]), one.get("name") or str(one["ifIndex"]), one.get("alias") or ""
    devices = hanging.get(key) or hanging.get(name) or []
    fed = poe.get(key)
    port = Port(
        oper=one.get("oper"),
        admin=one.get("admin"),
        named=bool(alias and alias != name),
        hangs=bool(devices),
        errors_per_s=lately.get(f"errors_per_s.{key}"),
        poe=fed.get("status") if fed else None,
    )
    return Row(
        element=f"interfaces.{key}",
        name=name,
        alias=alias if alias != name else "",
        state=ports.state(port),
        word=_word(port),
        speed=words.speed(one.get("speed_bps")),
        traffic_in=_rate(lately, f"traffic_in_bps.{key}", port),
        traffic_out=_rate(lately, f"traffic_out_bps.{key}", port),
        errors=_errors(one, port),
        poe=_poe(fed),
        hanging=devices,
        port=port,
    )


def _word(port: Port) -> str:
    """ifOperStatus, and that it is off because somebody wants it so."""
    if port.admin == "down":
        return _("switched off")
    return port.oper or "–"


def _rate(lately: Mapping[str, float], name: str, port: Port) -> str:
    """Nothing on a port that is not up is no reading: it says nothing."""
    if name not in lately or (not lately[name] and port.oper != "up"):
        return "–"
    return words.quantity("bits-per-second", lately[name])


def _errors(one: Mapping[str, Any], port: Port) -> str:
    if port.errors_per_s is not None and port.errors_per_s > ports.ERRORS_PER_S:
        return words.quantity("per-second", port.errors_per_s)
    return said(one.get("in_errors"))


def _poe(port: Mapping[str, Any] | None) -> str:
    if port is None:
        return "–"
    if port.get("power_w"):
        return f"{words.number(port['power_w'])} W"
    word = str(port.get("status") or port.get("admin") or "")
    return str(POE_WORDS.get(word, word or "–"))
