"""Which profile, kind and model devices of a school get that are not among the recordings, by what they say first."""

import pytest

from fleet.snmp import profiles
from fleet.snmp.interpret import Answers, interpret
from fleet.snmp.types import Reading

ENTERPRISES = "1.3.6.1.4.1"


@pytest.mark.parametrize(
    ("number", "sys_descr", "profile", "kind", "model"),
    [
        ("9.1.2696", "Cisco Catalyst 9115AXI Series 802.11ax Access Point", "cisco/access-point", "access-point", None),
        ("9.1.2391", "Cisco IOS Software [Amsterdam], C9800 Software (C9800_IOSXE-K9), Version 17.3", "cisco/catalyst-9800",
         "wireless-controller", "ciscoC9800CLK9"),
        ("9.1.1069", "Cisco Controller", "cisco/wlc", "wireless-controller", None),
        ("25053.3.1.5.3", "Ruckus Wireless ZD3025", "ruckus/zonedirector", "wireless-controller", "ZD3025"),
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
    reading = identified(number, sys_descr)

    assert (reading.profile, reading.kind, reading.model) == (profile, kind, model)


@pytest.mark.parametrize(
    ("number", "sys_descr", "kind", "model", "firmware"),
    [
        ("9.1.1697", "Cisco IOS Software, C2960X Software (C2960X-UNIVERSALK9-M), Version 15.2(2)E7, RELEASE",
         "switch", "catWsC2960x24psL", "15.2(2)E7"),
        ("9.1.2518", "Cisco IOS Software [Fuji], ISR Software (ARMV8EL_LINUX_IOSD-UNIVERSALK9_IAS-M), Version 16.9.5",
         "router", "ciscoC11164P", "ARMV8EL_LINUX_IOSD-UNIVERSALK9_IAS-M 16.9.5"),
        ("9.1.99999",
         "Cisco IOS Software, C3560E Software (C3560E-UNIVERSALK9-M), Version 15.0(2)SE7", "switch", None, "15.0(2)SE7"),
        ("9.6.1.23.1.1.1", "Linux, Cisco Small Business RV325, Version 1.4.2.19", "router", "RV325", "1.4.2.19"),
        ("25506.11.1.39", "HP V1910-24G Switch Software Version 5.20 Release 1513P06", "switch", "V1910-24G Switch", "5.20"),
        ("25506.11.1.87",
         "HP Series Router MSR20-20\r\nHP Comware Software. Version 5.20, Release 2512P04", "router", "MSR20-20", "5.20"),
        ("25506.1.1293", "New H3C Comware Platform Software\r\nH3C WA6320-C", "access-point", "WA6320-C", None),
        ("2356.11.8.4025", "LANCOM WLC-4006+ 9.24.0274RU5", "wireless-controller", "LANCOM WLC-4006+", "9.24.0274RU5"),
        ("2356.14.8.2326", "LANCOM GS-2326P, v3.32.0633RU8", "switch", "GS-2326P", "3.32.0633RU8"),
        ("171.10.76.28.1", "DGS-1210-24 Rev.F1/6.10.005", "switch", "DGS-1210-24", "6.10.005"),
        ("171.10.134.2.1", "WS6-DGS-1210-10P/F1 6.12.B019", "switch", "DGS-1210-10P/F1", "6.12.B019"),
        ("641.1", "Lexmark MS810n LW50.DN2.P222", "printer", "MS810n", "LW50.DN2.P222"),
        ("236.11.5.1", "Samsung X4300 Series; OS 1.01.07.00", "printer", "X4300", "1.01.07.00"),
        ("8741.1", "SonicWALL TZ 300 (SonicOS Enhanced 6.5.4.4-44n)", "firewall", "TZ 300", "SonicOS Enhanced 6.5.4.4-44n"),
        ("11256.2.0", "NS-BSD SN210 4.3.3 amd64", "firewall", "SN210", "4.3.3"),
        ("1991.1.3.65.1",
         "RUCKUS Wireless, Inc. ICX7550-48ZP, IronWare Version 09.0.10jT253", "switch", "ICX7550-48ZP", "09.0.10jT253"),
        ("26928.1", "SR2024P, HiveOS 6.5r5", "switch", "SR2024P", "6.5r5"),
        ("6486.802.1.1", "OAW-AP1221 4.0.4.25", "access-point", "OAW-AP1221", "4.0.4.25"),
        ("8072.3.2.10", "Linux nas 5.15.131+truenas #1 SMP x86_64", "nas", None, None),
        ("12325.1.1.2.1.1", "fw.example 2183439211 FreeBSD 13.2-RELEASE-p7 amd64", "server", None, "13.2-RELEASE-p7"),
        ("20992.1.1.45",
         "Cradlepoint IBR900-600M, Firmware Version 7.2.20.a2e2d7f", "router", "IBR900-600M", "7.2.20.a2e2d7f"),
        ("890.1.2.1.2.6", "P-660HW-T1", "router", "P-660HW-T1", None),
        ("11863.1.1.1", "T1600G-28PS 3.0", "switch", "T1600G-28PS", None),
    ],
)  # fmt: skip
def test_what_their_descriptions_say(
    number: str, sys_descr: str, kind: str, model: str | None, firmware: str | None
) -> None:
    reading = identified(number, sys_descr)

    assert (reading.kind, reading.model, reading.firmware) == (kind, model, firmware)


def identified(number: str, sys_descr: str) -> Reading:
    """What is read of a device that answers nothing but who it is."""
    identity = f"{ENTERPRISES}.{number}"
    chosen = next(one for one, match in profiles.default().candidates(identity, sys_descr) if not match.present)
    said = {"1.3.6.1.2.1.1.1.0": sys_descr.encode(), "1.3.6.1.2.1.1.2.0": identity}
    return interpret(chosen.of_device(identity), Answers(said))
