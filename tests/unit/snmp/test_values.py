import pytest
from pysnmp.proto import rfc1902, rfc1905

from fleet.snmp import values


@pytest.mark.parametrize(
    ("value", "mac"),
    [
        (b"\x02\xfd\x00\x03\x0a\x19", "02:fd:00:03:0a:19"),
        (b"2:fd:0:3:a:19", "02:fd:00:03:0a:19"),
        (b"02-FD-00-03-0A-19", "02:fd:00:03:0a:19"),
        (b"02fd.0003.0a19", "02:fd:00:03:0a:19"),
        (b"02FD00030A19", "02:fd:00:03:0a:19"),
        (b"0x02fd00030a19", "02:fd:00:03:0a:19"),
        (b"\x02\xfd\x00\x03\x0a", None),
        (b"\x02\xfd\x00\x03\x0a\x19\x00\x01", None),
        (b"02:fd:00:03:0a:1g", None),
        (b"\0" * 6, None),
        (b"", None),
        (b"not a mac address", None),
        (17, None),
    ],
)
def test_mac(value: values.Value, mac: str | None) -> None:
    assert values.mac(value) == mac


@pytest.mark.parametrize(
    ("value", "address"),
    [
        (b"\x01\xc0\xa8\x01\x07", "192.168.1.7"),
        (b"\x02\x20\x01\x0d\xb8" + b"\0" * 11 + b"\x01", "2001:db8::1"),
        (b"\x02\xc0\xa8\x01\x07", None),
        (b"\x10\xc0\xa8\x01\x07", None),
        (b"\x01", None),
        (b"", None),
        ("192.168.1.7", None),
    ],
)
def test_network_address(value: values.Value, address: str | None) -> None:
    assert values.network_address(value) == address


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b" Raum 204 \0\0", "Raum 204"),
        ("Gebäude Ä".encode(), "Gebäude Ä"),
        ("Gebäude Ä".encode("latin-1"), "Gebäude Ä"),
        (b" \0", None),
        (b"eth0\0\x12\xfe old", "eth0"),
        (b"\0\0eth0", "eth0"),
        (b"\x01\x15SN-1", "SN-1"),
        (b"\xef\xbb\xbfFach 1", "Fach 1"),
        ("Fach ä".encode("utf-16"), "Fach ä"),
        ("Fach ä".encode("utf-16-le"), "Fach ä"),
        ("Fach ä".encode("utf-16-be"), "Fach ä"),
        (b"\xff\xfe", None),
        (b"\xff\xfea", "\ufffd"),
        (b"a\0", "a"),
        (7, "7"),
    ],
)
def test_text(value: values.Value, text: str | None) -> None:
    assert values.text(value) == text


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (7, 7),
        (b" 42 ", 42),
        (b"3.5", 3.5),
        (b"42 %", None),
        (b"inf", None),
        (b"nan", None),
        (float("nan"), None),
        (b"1_000", None),
        (b"0x10", None),
        (b"", None),
    ],
)
def test_number(value: values.Value, number: float | None) -> None:
    assert values.number(value) == number


@pytest.mark.parametrize(
    ("value", "date"),
    [
        (b"\x07\xe8\x05\x1f\x08\x00\x00\x00", "2024-05-31"),
        (b"\x07\xe8\x05\x1f\x08\x00\x00\x00+\x02\x00", "2024-05-31"),
        (b"\x00\x00\x00\x00\x00\x00\x00\x00", None),
        (b"\x07\xe8\x0d\x1f\x08\x00\x00\x00", None),
        (b"\x07\xe8\x02\x1f\x08\x00\x00\x00", None),
        (b"\x07\xe8\x05", None),
        (b"", None),
        (20240531, None),
    ],
)
def test_date(value: values.Value, date: str | None) -> None:
    assert values.date(value) == date


@pytest.mark.parametrize(
    ("wire", "plain"),
    [
        (rfc1902.Integer32(-4), -4),
        (rfc1902.Counter64(2**64 - 1), 2**64 - 1),
        (rfc1902.TimeTicks(99), 99),
        (rfc1902.OctetString(b"\xff\x00"), b"\xff\x00"),
        (rfc1902.ObjectIdentifier("1.3.6.1"), "1.3.6.1"),
        (rfc1902.IpAddress("127.0.0.1"), "127.0.0.1"),
        (rfc1902.Opaque(b"\x9f\x78\x04\x41\xb8\x00\x00"), 23.0),
        (rfc1905.noSuchInstance, None),
        (rfc1905.endOfMibView, None),
    ],
)
def test_from_pysnmp(wire: object, plain: values.Value | None) -> None:
    assert values.from_pysnmp(wire) == plain
