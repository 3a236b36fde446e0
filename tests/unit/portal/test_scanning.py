"""How coarse a client is remembered while its reports are counted."""

from datetime import timedelta

import pytest

from helpdesk.portal.rules.scanning import bucket, network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2f3::9", "2001:db8:1:200::/56"),
        ("", "unknown"),
        ("203.0.113.7,10.0.0.1", "unknown"),
    ],
)
def test_a_network_names_no_single_client(address: str, network: str) -> None:
    assert network_of(address) == network


def test_an_instant_lies_in_one_stretch() -> None:
    assert bucket(599.9, timedelta(minutes=10)) == 0
    assert bucket(600, timedelta(minutes=10)) == 1
