"""Files at rest: what was sealed opens as it was, or not at all."""

import io
import os

import pytest

from fleet.secrets import sealed
from fleet.secrets.crypto import UndecipherableError

SIZES = [0, 1, sealed.PIECE - 1, sealed.PIECE, sealed.PIECE + 1, 3 * sealed.PIECE + 7]


def closed(content: bytes, key: str) -> bytes:
    target = io.BytesIO()
    sealed.seal(io.BytesIO(content), target, key)
    return target.getvalue()


def opened(content: bytes, key: str) -> bytes:
    return b"".join(sealed.opened(io.BytesIO(content), key))


@pytest.mark.parametrize("size", SIZES)
def test_there_and_back_again(size: int) -> None:
    content, key = os.urandom(size), sealed.fresh_key()

    found = closed(content, key)

    assert opened(found, key) == content
    assert size < 2 or content not in found


def test_nothing_cut_swapped_changed_or_of_another_file_opens() -> None:
    key, size = sealed.fresh_key(), sealed.PIECE + sealed.TAG
    found = closed(bytes(3 * sealed.PIECE), key)
    first, second, third = found[:size], found[size : 2 * size], found[2 * size :]
    spoilt = [
        first + second, first, b"", second + first + third, first + third, found + first, found[:-1],
        found[:9] + b"x" + found[10:], closed(b"x", sealed.fresh_key()),
    ]  # fmt: skip

    for one in spoilt:
        with pytest.raises(UndecipherableError):
            opened(one, key)
