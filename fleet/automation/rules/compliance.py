"""Whether a configuration is as the BSI asks (NET.1.2, NET.2.1, NET.3.1, OPS.1.1.5). Pure; what is not known stays so."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import netaddr

from fleet.automation.rules.intent import wifis_in
from fleet.automation.rules.settings_text import Section, after_words, kept_file, uci_sections

SHORTEST_KEY = 20
HASHED_KEY = 64
"""Hexadecimal digits of a PMK: its length says nothing of the passphrase."""
DEFAULTS = frozenset({"public", "private"})
_NO_HOST = re.compile(
    "alarm|buffered|buginf|cns-events|console|count|delimiter|discriminator|dmvpn|esm|event|exception|facility|filter|history"
    "|host|ip|linecard|message-counter|monitor|on|origin-id|persistent|policy-firewall|queue-limit|rate-limit|reload"
    "|server-arp|size|smartlog|snmp-authfail|snmp-trap|source-interface|standby|synchronous|trap|userinfo"
)
"""What can follow `logging` in Cisco IOS besides a server."""
WEAK = re.compile(r"none|wep.*|psk|psk\+.*|psk-mixed.*|wpa|wpa\+.*|wpa-mixed.*|owe-transition", re.IGNORECASE)


class Verdict(StrEnum):
    MET = "met"
    VIOLATED = "violated"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not-applicable"


@dataclass(frozen=True)
class Wifi:
    ssid: str
    encryption: str
    key: str


@dataclass(frozen=True)
class Facts:
    """What a configuration says. None: it cannot be known from it."""

    wifis: Sequence[Wifi] | None = None
    """Empty: the device sends none."""
    communities: Mapping[str, Sequence[str]] | None = None
    """Community → networks it may be used from; none named: from anywhere."""
    time_servers: Sequence[str] | None = None
    log_servers: Sequence[str] | None = None
    telnet: bool | None = None
    banner: str | None = None


@dataclass(frozen=True)
class Declared:
    """What people have said that changes the judgement."""

    guest_wifis: Collection[str] = ()
    admin_networks: Sequence[str] = ()


def facts(text: str | None, platform: str) -> Facts:
    """`text` None: there is no backup, so nothing is known."""
    read = _READERS.get(platform)
    return Facts() if text is None or read is None else read(text)


def _openwrt(text: str) -> Facts:
    sections = uci_sections(text)
    packages = {one.package for one in sections}
    clocks = [one for one in sections if one.type == "timeserver" and one.options.get("enabled", "1") != "0"]
    logs = [str(one.options.get("log_ip", "")) for one in sections if one.package == "system" and one.type == "system"]
    readers = [one.options for one in sections if one.type == "com2sec"]
    return Facts(
        wifis=[Wifi(one["ssid"], one["encryption"], one["psk"]) for one in wifis_in(text)] if packages else None,
        communities=_sources(readers) if "snmpd" in packages else None,
        time_servers=_servers(clocks) if "system" in packages else None,
        log_servers=[host for host in logs if host] if "system" in packages else None,
        telnet="telnetd" in packages or None,
        banner=kept_file(text, "/etc/banner"),
    )


def _sources(readers: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in readers:
        found.setdefault(str(one.get("community", "")), []).append(str(one.get("source", "default")))
    return {name: [] if {"default", "0.0.0.0/0"} & set(sources) else sources for name, sources in found.items()}


def _servers(clocks: Sequence[Section]) -> list[str]:
    return [name for one in clocks for name in _listed(one.options.get("server", []))]


def _listed(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else str(value).split()


def _switch(text: str) -> Facts:
    """The lab's switch: it has no telnet, and its communities are not limited to networks."""
    said = after_words(text, "snmp-server community")
    return Facts(
        wifis=(),
        communities={one.split()[0]: [] for one in said if one},
        time_servers=after_words(text, "ntp server"),
        log_servers=after_words(text, "logging host"),
        telnet=False,
        banner=" ".join(after_words(text, "banner")),
    )


def _ios(text: str) -> Facts:
    """Cisco IOS. What an access list of a community admits is not looked into: its name stands for it."""
    said = [one.split() for one in after_words(text, "snmp-server community") if one]
    logs = [one.split()[0] for one in after_words(text, "logging") if one]
    transports = [line.split()[2:] for line in text.splitlines() if line.strip().startswith("transport input")]
    return Facts(
        wifis=(),
        communities={words[0]: words[2:] for words in said},
        time_servers=[one.split()[0] for one in after_words(text, "ntp server") if one],
        log_servers=[*after_words(text, "logging host"), *(one for one in logs if not _NO_HOST.fullmatch(one))],
        telnet=any({"telnet", "all"} & set(words) for words in transports) if transports else None,
        banner=" ".join(one for kind in ("banner login", "banner motd") for one in after_words(text, kind)),
    )


_READERS: Mapping[str, Callable[[str], Facts]] = {"openwrt": _openwrt, "labswitch": _switch, "ios": _ios}


def judged(found: Facts, declared: Declared) -> dict[str, Verdict]:
    """{rule: verdict}, every rule."""
    return {name: judge(found, declared) for name, judge in JUDGES.items()}


def _holds(holds: bool) -> Verdict:
    return Verdict.MET if holds else Verdict.VIOLATED


def _encrypted(found: Facts, declared: Declared) -> Verdict:
    if found.wifis is None:
        return Verdict.UNKNOWN
    if not found.wifis:
        return Verdict.NOT_APPLICABLE
    return _holds(not any(WEAK.fullmatch(one.encryption) for one in found.wifis if one.ssid not in declared.guest_wifis))


def _long_key(found: Facts, _declared: Declared) -> Verdict:
    if found.wifis is None:
        return Verdict.UNKNOWN
    keys = [one.key for one in found.wifis if one.key]
    if not keys:
        return Verdict.NOT_APPLICABLE
    known = [key for key in keys if len(key) != HASHED_KEY]
    if any(len(key) < SHORTEST_KEY for key in known):
        return Verdict.VIOLATED
    return Verdict.MET if len(known) == len(keys) else Verdict.UNKNOWN


def _own_community(found: Facts, _declared: Declared) -> Verdict:
    if found.communities is None:
        return Verdict.UNKNOWN
    return _holds(not any(name.casefold() in DEFAULTS for name in found.communities))


def _guarded(found: Facts, declared: Declared) -> Verdict:
    if found.communities is None:
        return Verdict.UNKNOWN
    if not found.communities:
        return Verdict.MET
    if any(not sources for sources in found.communities.values()):
        return Verdict.VIOLATED
    if not declared.admin_networks:
        return Verdict.UNKNOWN
    allowed = netaddr.IPSet(declared.admin_networks)
    try:
        asked_from = [netaddr.IPNetwork(one) for sources in found.communities.values() for one in sources]
    except (netaddr.AddrFormatError, ValueError):
        return Verdict.UNKNOWN  # names instead of networks
    return _holds(all(netaddr.IPSet([one]).issubset(allowed) for one in asked_from))


def _known(value: Sequence[str] | None) -> Verdict:
    return Verdict.UNKNOWN if value is None else _holds(bool(value))


def _no_telnet(found: Facts, _declared: Declared) -> Verdict:
    return Verdict.UNKNOWN if found.telnet is None else _holds(not found.telnet)


JUDGES: Mapping[str, Callable[[Facts, Declared], Verdict]] = {
    "encrypted_wifi": _encrypted,
    "long_wifi_key": _long_key,
    "no_default_community": _own_community,
    "guarded_snmp": _guarded,
    "time_server": lambda found, _declared: _known(found.time_servers),
    "log_server": lambda found, _declared: _known(found.log_servers),
    "no_telnet": _no_telnet,
    "login_banner": lambda found, _declared: _known(found.banner),
}
