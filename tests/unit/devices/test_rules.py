"""Addresses: what netaddr makes of what people and devices write."""

from datetime import date, timedelta

import pytest

from fleet.devices import rules
from fleet.devices.rules import ClearText, SnmpRefusal

TODAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    "written", ["00:21:86:b5:6e:10", "00-21-86-B5-6E-10", "0021.86b5.6e10", "002186B56E10", "00 21 86 b5 6e 10"]
)
def test_every_spelling_of_a_mac_is_the_same_mac(written: str) -> None:
    assert rules.mac(written) == "00:21:86:b5:6e:10"


@pytest.mark.parametrize("written", ["", "5", "00:21:86:b5:6e", "00:21:86:b5:6e:10:11", "0021.86b5.6e1g", "10.0.0.1"])
def test_what_is_no_mac_is_refused(written: str) -> None:
    with pytest.raises(rules.AddressError):
        rules.mac(written)


@pytest.mark.parametrize(
    ("typed", "searched"),
    [
        ("0021.86", "00:21:86"),
        ("00:21:86:B5", "00:21:86:b5"),
        ("002186b56e10", "00:21:86:b5:6e:10"),
        ("204", None),
        ("2040", None),
        ("127.20.1", None),
        ("Raum 204", None),
        ("beef", None),
    ],
)
def test_the_beginning_of_a_mac_can_be_searched_and_words_are_not_taken_for_one(typed: str, searched: str | None) -> None:
    assert rules.mac_part(typed) == searched


@pytest.mark.parametrize(
    ("cidr", "taken", "free"),
    [
        ("10.0.0.0/29", [], "10.0.0.1"),
        ("10.0.0.0/29", ["10.0.0.1", "10.0.0.3"], "10.0.0.2"),
        ("10.0.0.0/30", ["10.0.0.1", "10.0.0.2"], None),
        ("10.0.0.0/31", ["10.0.0.0"], "10.0.0.1"),
        ("10.0.0.0/29", ["192.168.0.1"], "10.0.0.1"),
        ("2001:db8::/64", ["2001:db8::1"], "2001:db8::2"),
    ],
)
def test_the_next_free_address_is_the_lowest_that_a_host_may_have(cidr: str, taken: list[str], free: str | None) -> None:
    assert rules.next_free(cidr, taken) == free


@pytest.mark.parametrize(
    ("address", "management", "refusal"),
    [
        ("10.1.2.3", ["10.1.0.0/16"], None),
        ("10.2.2.3", ["10.1.0.0/16", "10.2.2.0/24"], None),
        ("10.2.3.3", ["10.1.0.0/16", "10.2.2.0/24"], SnmpRefusal.OUTSIDE),
        ("10.2.3.3", [], SnmpRefusal.NO_PREFIX),
        ("2001:db8::5", ["10.0.0.0/8"], SnmpRefusal.OUTSIDE),
    ],
)
def test_a_community_goes_only_into_a_management_prefix(
    address: str, management: list[str], refusal: SnmpRefusal | None
) -> None:
    assert rules.community_refusal(address, management, None, TODAY) is refusal


@pytest.mark.parametrize(
    ("address", "until", "refusal"),
    [
        ("10.2.3.3", TODAY, None),
        ("10.2.3.3", TODAY + timedelta(days=366), None),
        ("10.2.3.3", TODAY + timedelta(days=367), SnmpRefusal.PERMISSION_TOO_LONG),
        ("10.2.3.3", TODAY - timedelta(days=1), SnmpRefusal.PERMISSION_OVER),
        ("10.1.2.3", TODAY - timedelta(days=1), None),
    ],
)
def test_outside_of_it_somebody_answers_for_a_community_and_not_for_ever(
    address: str, until: date, refusal: SnmpRefusal | None
) -> None:
    permission = ClearText("The old switch speaks nothing else.", until)
    assert rules.community_refusal(address, ["10.1.0.0/16"], permission, TODAY) is refusal


def test_prefixes_are_canonical_and_overlap_is_found() -> None:
    assert rules.prefix("10.20.1.7/24") == "10.20.1.0/24"
    assert rules.overlapping("10.0.0.0/8", ["10.1.0.0/16", "11.0.0.0/8"]) == ["10.1.0.0/16"]
    with pytest.raises(rules.AddressError):
        rules.prefix("10.0.0.0/33")


@pytest.mark.parametrize(
    ("cidr", "private"),
    [
        ("10.20.7.0/24", True),
        ("172.31.0.0/16", True),
        ("172.16.0.0/11", False),
        ("fd00:7::/64", True),
        ("127.20.1.0/24", True),
        ("203.0.113.5/32", False),
        ("2001:db8::/64", False),
        ("0.0.0.0/0", False),
    ],
)
def test_a_private_range_lies_whole_where_nobody_outside_has_an_address(cidr: str, private: bool) -> None:
    assert rules.private(cidr) == private
