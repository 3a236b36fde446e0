"""Rules over configurations: met, violated, not applicable, and unknown wherever nothing is known."""

import pytest

from fleet.automation.rules.compliance import Declared, Facts, Verdict, Wifi, facts, judged

LONG = "x" * 20
AP = """package snmpd
config com2sec 'public'
\toption secname 'ro'
\toption source '{source}'
\toption community '{community}'
package system
config system 'system'
\toption log_ip '{log}'
config timeserver 'ntp'
\tlist server 'ntp.example'
package wireless
config wifi-iface 'one'
\toption mode 'ap'
\toption ssid 'Schule'
\toption encryption '{encryption}'
\toption key '{key}'
# file /etc/banner
#| Nur für Befugte
"""
GOOD = {"source": "192.0.2.0/25", "community": "own", "log": "192.0.2.9", "encryption": "sae-mixed", "key": LONG}
DECLARED = Declared(guest_wifis={"Gäste"}, admin_networks=["192.0.2.0/24"])


@pytest.mark.parametrize(
    ("spoilt", "rule", "verdict"),
    [
        ({}, "encrypted_wifi", "met"),
        ({}, "long_wifi_key", "met"),
        ({}, "no_default_community", "met"),
        ({}, "guarded_snmp", "met"),
        ({}, "time_server", "met"),
        ({}, "log_server", "met"),
        ({}, "login_banner", "met"),
        ({}, "no_telnet", "unknown"),
        ({"encryption": "none"}, "encrypted_wifi", "violated"),
        ({"encryption": "wep+open"}, "encrypted_wifi", "violated"),
        ({"encryption": "psk"}, "encrypted_wifi", "violated"),
        ({"encryption": "psk2+ccmp"}, "encrypted_wifi", "met"),
        ({"key": "x" * 19}, "long_wifi_key", "violated"),
        ({"key": "a" * 64}, "long_wifi_key", "unknown"),
        ({"community": "Public"}, "no_default_community", "violated"),
        ({"source": "default"}, "guarded_snmp", "violated"),
        ({"source": "198.51.100.0/24"}, "guarded_snmp", "violated"),
        ({"source": "nms.example"}, "guarded_snmp", "unknown"),
        ({"log": ""}, "log_server", "violated"),
    ],
)
def test_an_access_point(spoilt: dict[str, str], rule: str, verdict: str) -> None:
    assert judged(facts(AP.format(**{**GOOD, **spoilt}), "openwrt"), DECLARED)[rule] == verdict


@pytest.mark.parametrize(
    ("other", "rule"),
    [({"encryption": "none", "key": ""}, "encrypted_wifi"), ({"key": "x" * 8}, "long_wifi_key")],
)
@pytest.mark.parametrize("turned", [False, True])
def test_each_radio_of_a_wifi_counts(other: dict[str, str], rule: str, turned: bool) -> None:
    radios = [AP.format(**GOOD), AP.format(**{**GOOD, **other})]

    assert judged(facts("\n".join(radios[::-1] if turned else radios), "openwrt"), DECLARED)[rule] == Verdict.VIOLATED


def test_a_declared_guest_network_may_be_open() -> None:
    seen = Facts(wifis=[Wifi("Gäste", "none", "")])

    assert judged(seen, DECLARED)["encrypted_wifi"] == Verdict.MET
    assert judged(seen, Declared())["encrypted_wifi"] == Verdict.VIOLATED


@pytest.mark.parametrize(
    ("platform", "text", "rule", "verdict"),
    [
        ("labswitch", "ntp server a\n", "time_server", "met"),
        ("labswitch", "hostname a\n", "time_server", "violated"),
        ("labswitch", "hostname a\n", "encrypted_wifi", "not-applicable"),
        ("labswitch", "snmp-server community public ro\n", "no_default_community", "violated"),
        ("labswitch", "hostname a\n", "guarded_snmp", "met"),
        ("labswitch", "hostname a\n", "no_telnet", "met"),
        ("ios", "logging buffered 16384\nlogging trap warnings\nlogging source-interface Vlan1\n", "log_server", "violated"),
        ("ios", "logging buffered 16384\nlogging 192.0.2.9\n", "log_server", "met"),
        ("ios", "logging log.example\n", "log_server", "met"),
        ("ios", "logging host 192.0.2.9 vrf M\n", "log_server", "met"),
        ("ios", "line vty 0 4\n transport input telnet ssh\n", "no_telnet", "violated"),
        ("ios", "line vty 0 4\n transport input ssh\n", "no_telnet", "met"),
        ("ios", "hostname a\n", "no_telnet", "unknown"),
        ("ios", "snmp-server community x RO 10\n", "guarded_snmp", "unknown"),
        ("ios", "snmp-server community public RO 10\n", "no_default_community", "violated"),
        ("ios", "snmp-server community x RO\n", "guarded_snmp", "violated"),
    ],
)
def test_switches(platform: str, text: str, rule: str, verdict: str) -> None:
    assert judged(facts(text, platform), Declared())[rule] == verdict


@pytest.mark.parametrize(("text", "platform"), [(None, "openwrt"), ("hostname a", "never heard of"), (None, "")])
def test_without_data_everything_is_unknown(text: str | None, platform: str) -> None:
    assert set(judged(facts(text, platform), DECLARED).values()) == {Verdict.UNKNOWN}


def test_an_empty_configuration_is_no_proof() -> None:
    verdicts = judged(facts("", "openwrt"), DECLARED)

    assert verdicts["no_default_community"] == Verdict.UNKNOWN
    assert verdicts["log_server"] == Verdict.UNKNOWN
    assert verdicts["encrypted_wifi"] == Verdict.UNKNOWN
    assert verdicts["time_server"] == Verdict.UNKNOWN
