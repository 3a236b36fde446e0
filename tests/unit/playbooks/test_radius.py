"""A RADIUS server of a switch takes the place of the one that is there, and can be put back."""

import pytest
from ansible_collections.fleetdesk.network.plugins.plugin_utils import radius
from ansible_collections.fleetdesk.network.plugins.plugin_utils.wish import WishError

WISH = radius.Wish("192.0.2.9", 1812, "planted-secret-0123456789")


def read(*lines: str) -> radius.Server:
    server = radius.Server()
    for line in lines:
        server = radius.line(server, line)
    return server


@pytest.mark.parametrize("key", ["key an-old-secret-in-clear", "key 7 0822455D0A16"])
def test_what_can_be_read_is_replaced(key: str) -> None:
    there = {"RADIUS": read("address ipv4 192.0.2.1 auth-port 1812 acct-port 1813", key)}

    after = radius.wanted(there, WISH)

    assert (after["RADIUS"].address, after["RADIUS"].key) == (WISH.address, WISH.secret)


def test_a_secret_that_only_the_switch_can_read_is_left_alone() -> None:
    """Typed over, it could not be put back when the new server does not answer."""
    there = {"RADIUS": read("address ipv4 192.0.2.1 auth-port 1812 acct-port 1813", "key 6 QWERTYabcdefgh")}

    with pytest.raises(WishError, match="type 6"):
        radius.wanted(there, WISH)
