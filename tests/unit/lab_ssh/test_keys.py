"""Keys are made once, differ per device, and are readable by their owner alone."""

import stat
from pathlib import Path

import pytest

from fleet.lab.ssh import keys


def test_makes_keys_once(tmp_path: Path) -> None:
    first = keys.ensure(tmp_path / "keys", ["ap-1", "sw-1"])
    public = first.host_public_key("ap-1")

    again = keys.ensure(tmp_path / "keys", ["ap-1", "sw-1", "ap-2"])

    assert again.host_public_key("ap-1") == public
    assert again.client_private_key() == first.client_private_key()
    assert len({again.host_public_key(key) for key in ("ap-1", "sw-1", "ap-2")} | {again.client_public_key()}) == 4
    assert public.startswith("ssh-ed25519 AAAA")
    assert len(public.split()) == 2


def test_nobody_else_may_read_them(tmp_path: Path) -> None:
    keys.ensure(tmp_path / "keys", ["ap-1"])

    modes = {path.is_dir(): stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").rglob("*")}
    assert modes == {True: 0o700, False: 0o600}
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["../ap", "a/b", "", ".hidden", "ap\n"])
def test_a_device_key_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a device key"):
        keys.ensure(tmp_path / "keys", [name])
