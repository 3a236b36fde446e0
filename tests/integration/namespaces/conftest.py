"""Debian's dropbear and busybox as an access point, made once for a module, and a player for it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.namespaces import dropbear
from tests.integration.namespaces.target import Player, Target


@pytest.fixture(scope="module")
def access_point(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    if why := dropbear.lacks():
        pytest.skip(f"the dropbear target {why}")
    with dropbear.serve(tmp_path_factory.mktemp("dropbear")) as target:
        yield target


@pytest.fixture
def ap(access_point: Target, tmp_path: Path) -> Iterator[Player]:
    """Connections are kept in a directory with a short name: a socket's path has 108 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="cp") as control:
        yield Player(access_point, tmp_path, {"ANSIBLE_SSH_CONTROL_PATH_DIR": control})
