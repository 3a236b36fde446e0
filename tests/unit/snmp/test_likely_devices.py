"""Which profile, kind and model devices of a school get that are not among the recordings, by what they say first."""

import pytest

from fleet.snmp import profiles
from fleet.snmp.interpret import Answers, interpret

ENTERPRISES = "1.3.6.1.4.1"


@pytest.mark.parametrize(
    ("number", "sys_descr", "profile", "kind", "model"),
    [
        ("9.1.2696", "Cisco Catalyst 9115AXI Series 802.11ax Access Point", "cisco/access-point", "access-point", None),
        ("9.1.2391", "Cisco IOS Software [Amsterdam], C9800 Software (C9800_IOSXE-K9), Version 17.3", "cisco/catalyst-9800",
         "wireless-controller", None),
        ("9.1.1069", "Cisco Controller", "cisco/wlc", "wireless-controller", None),
        ("25053.3.1.5.3", "Ruckus Wireless ZD3025", "ruckus/zonedirector", "wireless-controller", None),
        ("14988.1", "RouterOS cAP ac", "routers/mikrotik", "access-point", "cAP ac"),
        ("14988.1", "RouterOS CRS326-24G-2S+", "routers/mikrotik", "switch", "CRS326-24G-2S+"),
        ("14988.1", "RouterOS hAP ac^2", "routers/mikrotik", "router", "hAP ac^2"),
        ("2356.11.1.58", "LANCOM 1781VA 10.12.0417 / 19.12.2017", "lancom/lcos", "router", "LANCOM 1781VA"),
        ("11863.1.1.88", "Omada TL-SG3428MP", "switches/tp-link", "switch", None),
        ("11863.10.1.3", "EAP245 3.0", "access-points/omada", "access-point", "EAP245"),
        ("207.1.1.70", "CentreCOM AR415S, 2.9.1-13", "switches/allied-telesis", "switch", "CentreCOM AR415S"),
        ("890.1.15", "VMG8825-T50", "switches/zyxel", "router", "VMG8825-T50"),
        ("890.1.15", "GS1900-24", "switches/zyxel", "switch", "GS1900-24"),
        ("890.1.15", "USG FLEX 200", "zyxel/firewall", "firewall", "USG FLEX 200"),
        ("26928.1", "AP305C, IQ Engine 10.5.2.0 build-db9c356", "extreme/hiveos", "access-point", "AP305C"),
        ("29671.2.23", "Meraki MX64 Cloud Managed Security Appliance", "cisco/meraki", "firewall", "MX64"),
    ],
)  # fmt: skip
def test_likely_devices(number: str, sys_descr: str, profile: str, kind: str, model: str | None) -> None:
    identity = f"{ENTERPRISES}.{number}"
    chosen = next(one for one, match in profiles.default().candidates(identity, sys_descr) if not match.present)
    said = {"1.3.6.1.2.1.1.1.0": sys_descr.encode(), "1.3.6.1.2.1.1.2.0": identity}

    reading = interpret(chosen.of_device(identity), Answers(said))

    assert (chosen.name, reading.kind, reading.model) == (profile, kind, model)
