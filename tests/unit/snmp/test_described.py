"""What is read of a device that nobody profiled, from its own description and from the standards."""

import pytest

from fleet.snmp import profiles
from fleet.snmp.interpret import Answers, interpret
from fleet.snmp.types import Reading

SYS_DESCR, IF_DESCR, IF_TYPE = "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.2.2.1.2", "1.3.6.1.2.1.2.2.1.3"
GENERIC = profiles.default().by_name["generic"]


def reading(sys_descr: str, types: tuple[int, ...] = ()) -> Reading:
    columns = {IF_TYPE: {str(n): said for n, said in enumerate(types, 1)}}
    columns |= {IF_DESCR: {str(n): f"port{n}".encode() for n in range(1, len(types) + 1)}}
    return interpret(GENERIC, Answers({SYS_DESCR: sys_descr.encode()}, columns))


@pytest.mark.parametrize(
    ("sys_descr", "kind"),
    [
        ("Muster M28 Cloud Managed AP", "access-point"),
        ("Muster IW9165 - MESH POINT MODE", "access-point"),
        ("ConnectUPS Web/SNMP Card V4.38", "ups"),
        ("Muster Power Distribution Unit", "ups"),
        ("TA_Muster Printing System", "printer"),
        ("OPNsense fw.example 24.1 FreeBSD 13.2", "firewall"),
        ("Muster Secure Threat Defense 7.2", "firewall"),
        ("Hardware: Intel64 Family 6 - Software: Windows Version 6.3", "server"),
        ("Integrated Lights-Out 5 2.50", "server"),
        ("MusterRouter Lite", "router"),
        ("Muster Gerät", "other"),
    ],
)
def test_kind(sys_descr: str, kind: str) -> None:
    assert reading(sys_descr).kind == kind


def test_one_with_radios_is_an_access_point_however_many_wired_networks_it_has() -> None:
    assert reading("Muster", types=(6,) * 9 + (71, 71)).kind == "access-point"
    assert reading("Muster", types=(6,) * 9).kind == "switch"


@pytest.mark.parametrize(
    ("sys_descr", "model", "firmware", "serial"),
    [
        ("MusterOS (MODEL: MC-7210), Version 8.2.0.2 (62929)", "MC-7210", "8.2.0.2", None),
        ("CSS106-1G-4P-1S SwOS v2.11", "CSS106-1G-4P-1S", "2.11", None),
        ("US-24-250W, 5.43.18.12487, Linux 3.6.5", "US-24-250W", "5.43.18.12487", None),
        ("Muster XS-5116 5.20.0316", "XS-5116", None, None),
        ("Muster GS-1516", "GS-1516", None, None),
        ("GS-24PoE 24-Port Gigabit Smart Switch, 6.3.1.11, B1.0.0.4", "GS-24PoE", "6.3.1.11", None),
        ("MusterOS (X690-48x) version 22.6.1.4 by somebody", "X690-48x", "22.6.1.4", None),
        ("Muster Stack, revision KA.15.03.3004, ROM KA.15.05", None, "KA.15.03.3004", None),
        ("Muster Gateway, Router Model: M2920 Series, Version: 3.8.8", "M2920 Series", "3.8.8", None),
        ("Muster Software, C36 Software (C36-UNIVERSALK9-M), Version 15.0.2", None, "15.0.2", None),
        ("SCH-01-A-OG2-AP07", None, None, None),
        ("Muster Card (HR:A10 SN: 5A1234T56789 MD:01/02/2020)", None, None, "5A1234T56789"),
        ("Muster Drucker; S/N: ABC-123456", None, None, "ABC-123456"),
        ("Linux ap 5.4.137 #0 SMP Sat Jul 31 17:21:01 2021 armv7l", None, None, None),
        ("Windows Version 6.3 (Build 9600)", None, "6.3", None),
    ],
)
def test_model_firmware_and_serial_number(
    sys_descr: str, model: str | None, firmware: str | None, serial: str | None
) -> None:
    read = reading(sys_descr)
    assert (read.model, read.firmware, read.serial) == (model, firmware, serial)
