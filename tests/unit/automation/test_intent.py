"""What devices should be: values, levels, differences; and what our own tables admit."""

from typing import Any

import pytest

from fleet.automation.declared import DeclarationError, keys, places, read_keys, read_rules, rules
from fleet.automation.rules.configurations import CHANGED
from fleet.automation.rules.drifts import subject
from fleet.automation.rules.intent import (
    Intended,
    Layer,
    Place,
    ValueProblemError,
    checked,
    differences,
    merged,
    zone_of,
)

WIFI = {"ssid": "Schule", "encryption": "sae-mixed", "network": "lan", "psk": "ein-langer-Schluessel"}
CONFIG = """package system

config system 'system'
\toption log_ip '192.0.2.9'

config timeserver 'ntp'
\tlist server 'a.example'
\tlist server 'b.example'

package wireless

config wifi-iface 'one'
\toption mode 'ap'
\toption network 'lan'
\toption ssid 'Schule'
\toption encryption 'sae-mixed'
\toption key 'ein-langer-Schluessel'

config wifi-iface 'off'
\toption ssid 'Aus'
\toption disabled '1'

# file /etc/banner
#| Nur für Befugte
#|
"""


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("hosts", ["a.example", "192.0.2.1", "2001:db8::1"]),
        ("host", "log.example"),
        ("line", "IT {{ x }}"),
        ("code", "DE"),
        ("networks", ["192.0.2.0/24", "2001:db8::/32"]),
        ("zones", ["education 20"]),
        ("names", ["Gäste"]),
        ("wifis", [WIFI]),
        ("wifis", [{"ssid": "Gäste", "encryption": "owe", "network": "guest", "psk": ""}]),
    ],
)
def test_good_values_stay_as_they_are(kind: str, value: Any) -> None:
    assert checked(kind, value) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("hosts", []), ("hosts", "a.example"), ("hosts", ["a b"]), ("hosts", ["a;reboot"]), ("host", ""), ("host", None),
        ("line", "a\nb"), ("line", " a"), ("line", "x" * 201), ("code", "de"), ("networks", ["x"]), ("networks", [None]),
        ("zones", ["education"]), ("zones", ["education 5000"]), ("names", [""]), ("names", ["x" * 33]),
        ("wifis", [{**WIFI, "psk": "kurz"}]), ("wifis", [{**WIFI, "psk": ""}]), ("wifis", [{**WIFI, "encryption": "wep"}]),
        ("wifis", [{**WIFI, "encryption": "none"}]), ("wifis", [{**WIFI, "x": "y"}]), ("wifis", ["Schule"]),
    ],
)  # fmt: skip
def test_bad_values_are_refused(kind: str, value: Any) -> None:
    with pytest.raises(ValueProblemError):
        checked(kind, value)


def test_the_narrowest_level_wins_key_by_key() -> None:
    layers = [Layer("device", "a", 4), Layer("authority", "a", 1), Layer("site", "b", 3), Layer("platform", "b", 2)]

    made = merged(layers, {"Klausur"})

    assert (made.values, made.levels) == ({"a": 4, "b": 3}, {"a": "device", "b": "site"})
    assert made.passing_wifis == {"Klausur"}


def found(values: dict[str, Any], text: str = CONFIG, passing: frozenset[str] = frozenset()) -> dict[str, str]:
    wanted = Intended(values, {}, passing)
    return {one.key: one.diff for one in differences(wanted, text, "openwrt", places("openwrt"))}


@pytest.mark.parametrize(
    ("values", "keys_found"),
    [
        ({}, set()),
        ({"ntp_servers": ["a.example", "b.example"], "syslog_host": "192.0.2.9", "banner": "Nur für Befugte"}, set()),
        ({"ntp_servers": ["b.example", "a.example"]}, {"ntp_servers"}),
        ({"syslog_host": "192.0.2.8"}, {"syslog_host"}),
        ({"snmp_contact": "IT"}, {"snmp_contact"}),
        ({"banner": "Willkommen"}, {"banner"}),
        ({"admin_networks": ["192.0.2.0/24"]}, set()),
        ({"wifis": [WIFI]}, set()),
        ({"wifis": [{**WIFI, "psk": "ein-anderer-Schluessel"}]}, {"wifi:Schule"}),
        ({"wifis": [{**WIFI, "ssid": "Neu"}]}, {"wifi:Neu", "wifi:Schule"}),
    ],
)
def test_differences(values: dict[str, Any], keys_found: set[str]) -> None:
    assert set(found(values)) == keys_found


@pytest.mark.parametrize("options", ["encryption 'none'", "encryption 'sae-mixed'\n\toption key 'planted-key'"])
def test_a_radio_that_sends_a_wifi_in_another_way_is_a_difference(options: str) -> None:
    other = f"config wifi-iface 'zero'\n\toption network 'lan'\n\toption ssid 'Schule'\n\toption {options}\n\n"

    differing = found({"wifis": [WIFI]}, CONFIG.replace("config wifi-iface 'one'", f"{other}config wifi-iface 'one'"))

    assert set(differing) == {"wifi:Schule"}
    assert "planted-key" not in differing["wifi:Schule"]
    assert "\n+" in f"\n{differing['wifi:Schule']}"


def test_radios_that_send_a_wifi_alike_are_no_difference() -> None:
    section = CONFIG[CONFIG.index("config wifi-iface 'one'") : CONFIG.index("config wifi-iface 'off'")]

    assert found({"wifis": [WIFI]}, CONFIG.replace(section, section + section.replace("'one'", "'two'"))) == {}


def test_a_wifi_that_is_there_for_a_while_is_no_difference() -> None:
    other = {**WIFI, "ssid": "Neu"}

    assert set(found({"wifis": [other]}, passing=frozenset({"Schule"}))) == {"wifi:Neu"}


def test_keys_are_never_in_a_difference() -> None:
    diff = found({"wifis": [{**WIFI, "psk": "ein-anderer-Schluessel"}]})["wifi:Schule"]

    assert CHANGED in diff
    assert "Schluessel" not in diff


@pytest.mark.parametrize(
    "text", ["", "garbage ' \x00", "config", "option a b", "package x\nconfig y 'z", "# file /etc/banner"]
)
def test_whatever_a_device_says_is_compared(text: str) -> None:
    assert set(found({"ntp_servers": ["a"], "wifis": [WIFI]}, text)) == {"ntp_servers", "wifi:Schule"}


def test_a_switch_is_compared_by_the_words_of_its_lines() -> None:
    place = Place("ntp_servers", "hosts", "ntp server")
    wanted = Intended({"ntp_servers": ["a", "b"]}, {})

    assert differences(wanted, "ntp server a\nntp server b\n", "labswitch", [place]) == []
    (one,) = differences(wanted, "ntp server b\nbanner ntp server a\n", "labswitch", [place])
    assert one.diff.splitlines()[1:] == ["-ntp_servers = a", " ntp_servers = b"]


def test_our_own_tables_are_as_they_must_be() -> None:
    assert "ntp_servers" in keys()
    assert "encrypted_wifi" in rules()


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (read_keys, '[a]\ntype = "colour"\nlabel = {de = "x", en = "x"}'),
        (read_keys, '[a]\ntype = "line"\nlabel = {de = "x"}'),
        (read_keys, '[a]\ntype = "line"\nlabel = {de = "x", en = "x"}\nunknown = 1'),
        (read_keys, '[a]\ntype = "line"\nlabel = {de = "x", en = "x"}\nargument = "b"'),
        (read_keys, "[a"),
        (read_rules, ""),
        (read_rules, '[x]\nmodule = "NET.1.2"\ntitle = {de = "x", en = "x"}\nadvice = {de = "x", en = "x"}'),
    ],
)
def test_a_table_that_is_wrong_is_refused(read: Any, text: str) -> None:
    with pytest.raises(DeclarationError):
        read(text)


@pytest.mark.parametrize(
    ("address", "zone"),
    [("192.0.2.7", 2), ("192.0.2.200", 1), ("2001:db8::7", 3), ("198.51.100.1", None), (None, None), ("", None)],
)
def test_a_device_belongs_to_the_narrowest_zone(address: str | None, zone: int | None) -> None:
    zones = {1: ["192.0.2.0/24"], 2: ["192.0.2.0/28", "203.0.113.0/24"], 3: ["2001:db8::/32"]}

    assert zone_of(address, zones) == zone


@pytest.mark.parametrize("key", ["ntp_servers", "wifi:Schule: EG", "check:baseline", "check:ssid:check:x"])
def test_a_key_says_what_a_difference_is_about(key: str) -> None:
    assert str(subject(key)) == key


def test_a_wifi_that_a_change_has_taken_away_for_a_while_is_no_difference() -> None:
    assert set(found({"wifis": [{**WIFI, "ssid": "Neu"}, WIFI]}, passing=frozenset({"Neu"}))) == set()
