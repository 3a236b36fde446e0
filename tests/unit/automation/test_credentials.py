"""Which credential counts for a device, what a new one is made of, and what a rotation gives a playbook."""

import pytest

from fleet.automation.execution.agent import public_key
from fleet.automation.rules.credentials import Held, Place, renewed, resolve, retiring_arguments, rotates, rotation_arguments
from fleet.secrets.types import Secret

HERE = Place(7, 1, 3, "openwrt")
WIDE = Held(10, "enable", 1)
OF_PLATFORM = Held(11, "enable", 1, platform="openwrt")
OF_SITE = Held(12, "enable", 1, site_id=3)
OF_BOTH = Held(13, "enable", 1, platform="openwrt", site_id=3)
OWN = Held(14, "enable", 1, device_id=7)


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        ([], None),
        ([WIDE], 10),
        ([WIDE, OF_PLATFORM], 11),
        ([OF_PLATFORM, OF_SITE], 12),
        ([OF_BOTH, OF_SITE, WIDE], 13),
        ([OF_BOTH, OWN, WIDE], 14),
        ([Held(20, "vault", 1), Held(21, "enable", 2), Held(22, "enable", 1, platform="cisco")], None),
        ([Held(23, "enable", 1, site_id=4), Held(24, "enable", 1, device_id=8), WIDE], 10),
    ],
)
def test_the_narrower_one_counts(held: list[Held], wanted: int | None) -> None:
    assert resolve(held, "enable", HERE) == wanted


@pytest.mark.parametrize(
    ("kind", "old"),
    [
        ("ssh-password", {"username": "root", "password": "old"}),
        ("snmp-v2c", {"community": "old"}),
        ("snmp-v3", {"user": "u", "auth_protocol": "SHA-256", "auth_key": "o", "priv_protocol": "AES-128", "priv_key": "o"}),
        ("ssh-key", {"username": "root", "private_key": "old"}),
    ],
)
def test_a_new_secret_is_of_the_same_kind(kind: str, old: dict[str, str]) -> None:
    new = renewed(kind, old)

    assert new.keys() == old.keys()
    kept = {"username", "user", "auth_protocol", "priv_protocol"}
    assert {name: new[name] for name in kept & new.keys()} == {name: old[name] for name in kept & old.keys()}
    assert all(new[name] not in {old[name], ""} and len(new[name]) > 20 for name in old.keys() - kept)
    assert renewed(kind, old) != new


def test_what_cannot_be_renewed_is_said() -> None:
    with pytest.raises(ValueError, match="vault"):
        renewed("vault", {"password": "x"})
    assert (rotates("snmp-v3"), rotates("ssh-password")) == ("snmp", "ssh")


def test_a_playbook_never_gets_a_private_key() -> None:
    old, new = renewed("ssh-key", {"username": "root"}), renewed("ssh-key", {"username": "root"})
    public = public_key(Secret(old["private_key"])), public_key(Secret(new["private_key"]))

    offered = rotation_arguments(old, new, public)

    assert offered["new_public_key"] == public[1]
    assert "PRIVATE" not in str(offered)
    assert "PRIVATE" not in str(retiring_arguments(old, new, public))
    assert rotation_arguments({"community": "a"}, {"community": "b"}, None) == {"new_community": "b", "old_community": "a"}


def test_what_takes_the_old_one_away_hears_whose_it_is_and_what_stays() -> None:
    old, new = {"username": "wartung", "password": "a"}, {"username": "wartung", "password": "b"}
    keys = retiring_arguments({"username": "wartung"}, {"username": "wartung"}, ("old half", "new half"))

    assert retiring_arguments(old, new, None) == {"username": "wartung", "new_password": "b", "retired_password": "a"}
    assert keys == {
        "username": "wartung",
        "new_public_key": "new half",
        "retired_public_key": "old half",
        "public_keys": ["new half"],
        "retired_keys": ["old half"],
    }
