"""What devices should be: which values there can be, how levels come together, how a device differs. Pure."""

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import netaddr
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fleet.automation.rules.configurations import CHANGED
from fleet.automation.rules.settings_text import uci_sections, value_at
from fleet.secrets.types import MASK

LEVELS = ("authority", "platform", "zone", "site", "device")
"""The broadest first."""
WIFIS = "wifis"
NETWORK = "lan"
"""Where a Wi-Fi belongs of which nobody says more (`wifi_network` in inventory/group_vars/openwrt.yml)."""
ENCRYPTIONS = ("none", "owe", "psk2", "sae-mixed", "sae")
MOST = 64
LONGEST_LINE, LONGEST_SSID, LARGEST_VLAN = 200, 32, 4094
_HOST = re.compile(r"[A-Za-z0-9:][A-Za-z0-9.:-]{0,251}", re.ASCII)
_CODE = re.compile(r"[A-Z]{2}", re.ASCII)
_PSK = re.compile(r"[ -~]{8,63}")
_ZONE = re.compile(r"([a-z][a-z0-9-]{0,30}) (\d{1,4})", re.ASCII)


class ValueProblemError(ValueError):
    """This cannot be a value of that type; `sentence` says why."""

    def __init__(self, sentence: str | Promise) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


def checked(kind: str, value: Any) -> Any:
    """`value` as it is kept. Raises ValueProblemError."""
    return _TYPES[kind](value)


def _host(value: Any) -> str:
    if not isinstance(value, str) or not _HOST.fullmatch(value):
        raise ValueProblemError(_("It must be the name or the address of a server."))
    return value


def _line(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_LINE or not value.isprintable() or value != value.strip():
        raise ValueProblemError(_("It must be one line of at most 200 characters."))
    return value


def _code(value: Any) -> str:
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        raise ValueProblemError(_("It must be two capital letters (ISO 3166)."))
    return value


def _network(value: Any) -> str:
    try:
        return str(netaddr.IPNetwork(str(value)).cidr)
    except (netaddr.AddrFormatError, ValueError) as error:
        raise ValueProblemError(_("It must be a network such as 192.0.2.0/24.")) from error


def _zone(value: Any) -> str:
    found = _ZONE.fullmatch(str(value))
    if found is None or not 0 < int(found[2]) <= LARGEST_VLAN:
        raise ValueProblemError(_("It must be a zone and its VLAN, such as «education 20»."))
    return str(value)


def _ssid(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value.encode()) <= LONGEST_SSID or not value.isprintable():
        raise ValueProblemError(_("The name of a Wi-Fi has 1 to 32 characters."))
    return value


def _wifi(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or not set(value) <= {"ssid", "encryption", "network", "psk"}:
        raise ValueProblemError(_("A Wi-Fi has a name, an encryption, a network and a key."))
    made = {
        "ssid": _ssid(value.get("ssid")),
        "encryption": str(value.get("encryption") or "sae-mixed"),
        "network": str(value.get("network") or NETWORK),
        "psk": str(value.get("psk") or ""),
    }
    if made["encryption"] not in ENCRYPTIONS or not re.fullmatch(r"\w{1,15}", made["network"], re.ASCII):
        raise ValueProblemError(_("The encryption or the network is not known."))
    keyless = made["encryption"] in {"none", "owe"}
    if keyless != (not made["psk"]) or (not keyless and not _PSK.fullmatch(made["psk"])):
        raise ValueProblemError(_("The key has 8 to 63 plain characters; an open Wi-Fi has none."))
    return made


def _many(one: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    def each(value: Any) -> list[Any]:
        if not isinstance(value, list) or not 0 < len(value) <= MOST:
            raise ValueProblemError(_("It must be a list of 1 to 64 entries."))
        return [one(item) for item in value]

    return each


_TYPES: Mapping[str, Callable[[Any], Any]] = {
    "host": _host,
    "hosts": _many(_host),
    "line": _line,
    "code": _code,
    "networks": _many(_network),
    "zones": _many(_zone),
    "names": _many(_ssid),
    "wifis": _many(_wifi),
}
KINDS = frozenset(_TYPES)
LISTS = frozenset({"hosts", "networks", "zones", "names", "wifis"})


@dataclass(frozen=True)
class Layer:
    """A value at a level."""

    level: str
    key: str
    value: Any


@dataclass(frozen=True)
class Intended:
    """What a device should be: {key: value}, which level each comes from, and Wi-Fis that a change speaks of for a while."""

    values: Mapping[str, Any]
    levels: Mapping[str, str]
    passing_wifis: frozenset[str] = frozenset()

    def without(self, keys: Collection[str]) -> "Intended":
        """As if nobody had said these."""
        return replace(self, values={key: value for key, value in self.values.items() if key not in keys})


def merged(layers: Iterable[Layer], passing_wifis: Collection[str] = ()) -> Intended:
    """The narrowest level wins, key by key."""
    values: dict[str, Any] = {}
    levels: dict[str, str] = {}
    for layer in sorted(layers, key=lambda one: LEVELS.index(one.level)):
        values[layer.key], levels[layer.key] = layer.value, layer.level
    return Intended(values, levels, frozenset(passing_wifis))


@cache
def _parsed(text: str) -> netaddr.IPNetwork:
    """Of a zone: the same few for every device of a city."""
    return netaddr.IPNetwork(text)


def zone_of(address: str | None, zones: Mapping[int, Iterable[str]]) -> int | None:
    """Of {zone: its networks}, the zone in whose narrowest network the address lies."""
    if not address:
        return None
    there = netaddr.IPAddress(address)
    fitting = [
        (network.prefixlen, zone)
        for zone, networks in zones.items()
        for network in map(_parsed, networks)
        if there in network
    ]
    return max(fitting)[1] if fitting else None


@dataclass(frozen=True)
class Place:
    """Where a key's value stands on a platform, and of which type it is."""

    key: str
    kind: str
    where: str


@dataclass(frozen=True)
class Difference:
    """`key` is the key, or `wifi:<name>`; `diff` is unified, secrets masked."""

    key: str
    diff: str


def on_device(text: str, platform: str, place: Place) -> Any:
    """The device's value in the form in which intent has it; "" or [] where there is none."""
    if place.kind == WIFIS:
        return wifis_in(text)
    value = value_at(text, platform, place.where)
    if place.kind in LISTS:
        return value if isinstance(value, list) else value.split()
    return (value[0] if value else "") if isinstance(value, list) else value


def wifis_in(text: str) -> list[dict[str, str]]:
    """Wi-Fis that an OpenWrt configuration sends: a name several times where its radios send it in different ways."""
    found: list[dict[str, str]] = []
    for section in uci_sections(text):
        options = section.options
        if section.type != "wifi-iface" or options.get("disabled") == "1" or options.get("mode", "ap") != "ap":
            continue
        wifi = {
            "ssid": str(options.get("ssid", "")),
            "encryption": str(options.get("encryption", "none")),
            "network": str(options.get("network", "")),
            "psk": str(options.get("key", "")),
        }
        if wifi not in found:
            found.append(wifi)
    return found


def differences(intended: Intended, text: str, platform: str, places: Iterable[Place]) -> list[Difference]:
    """In what the configuration differs from what is wanted. What nobody has said is not compared."""
    found: list[Difference] = []
    for place in places:
        if place.key not in intended.values:
            continue
        want, has = intended.values[place.key], on_device(text, platform, place)
        if place.kind == WIFIS:
            found += _wifi_differences(want, has, intended.passing_wifis)
        elif want != has:
            found.append(Difference(place.key, _diff(_lines(place.key, want), _lines(place.key, has))))
    return found


def _lines(key: str, value: Any) -> list[str]:
    return [f"{key} = {one}" for one in (value if isinstance(value, list) else [value]) if one != ""]


def _diff(want: list[str], has: list[str]) -> str:
    """From what is wanted to what the device has."""
    return "\n".join(list(difflib.unified_diff(want, has, lineterm="", n=1))[2:])


def unified(pairs: Iterable[tuple[str, str]]) -> str:
    """(from, to) as one unified diff, without the lines that name files."""
    return "\n".join(filter(None, (_diff(old.splitlines(), new.splitlines()) for old, new in pairs)))


def _wifi_differences(want: Any, has: Any, passing: Collection[str]) -> list[Difference]:
    """Where a change says what is to be for a while, switched on or off, the base says nothing."""
    wanted, there = ([one for one in side if one["ssid"] not in passing] for side in (want, has))
    return [
        Difference(f"wifi:{name}", _diff(_wifi_lines(wished), _wifi_lines(sent, wished)))
        for name in dict.fromkeys(one["ssid"] for one in (*wanted, *there))
        if (wished := _named(wanted, name)) != (sent := _named(there, name))
    ]


def _named(wifis: Iterable[Mapping[str, str]], ssid: str) -> list[Mapping[str, str]]:
    return [one for one in wifis if one["ssid"] == ssid]


def _wifi_lines(wifis: Iterable[Mapping[str, str]], others: Sequence[Mapping[str, str]] = ()) -> list[str]:
    """The key as hidden, and as changed where none of the others has it."""
    lines: list[str] = []
    for wifi in wifis:
        key = MASK if not others or any(one["psk"] == wifi["psk"] for one in others) else CHANGED
        shown = {**wifi, "psk": key if wifi["psk"] else ""}
        lines += [f"{name} = {value}" for name, value in shown.items() if value]
    return lines
