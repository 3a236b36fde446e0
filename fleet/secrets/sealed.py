"""Files at rest, each under a key of its own: AES-256-GCM in pieces, so that no file has to fit into memory.

The key belongs into an `EncryptedJSONField` of the file's row: rotating ENCRYPTION_KEYS rewrites that column alone, and with
the row the file is gone too, wherever a copy of it lies. A piece's nonce is its number and whether it is the last one
(STREAM, https://eprint.iacr.org/2015/189): pieces that are missing, swapped or of another file do not open. Nonces begin
anew in each file, therefore no key may be used twice.
"""

import base64
from collections.abc import Iterator
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fleet.secrets.crypto import UndecipherableError

PIECE = 2**20
TAG = 16
BITS = 256


def fresh_key() -> str:
    return base64.b64encode(AESGCM.generate_key(BITS)).decode()


def seal(source: IO[bytes], target: IO[bytes], key: str) -> None:
    box = AESGCM(base64.b64decode(key))
    for nonce, piece in _numbered(source, PIECE):
        target.write(box.encrypt(nonce, piece, None))


def opened(source: IO[bytes], key: str) -> Iterator[bytes]:
    """The content in pieces. Raises UndecipherableError, before anything that is not as it was sealed is given out."""
    box = AESGCM(base64.b64decode(key))
    for nonce, piece in _numbered(source, PIECE + TAG):
        try:
            yield box.decrypt(nonce, piece, None)
        except InvalidTag as error:
            raise UndecipherableError("the file is not as it was sealed, or its key is another one") from error


def _numbered(source: IO[bytes], size: int) -> Iterator[tuple[bytes, bytes]]:
    """(nonce, piece); there is always a last one, be it empty."""
    number, piece = 0, source.read(size)
    while True:
        following = source.read(size)
        yield number.to_bytes(11, "big") + bytes([not following]), piece
        if not following:
            return
        number, piece = number + 1, following
