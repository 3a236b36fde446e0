"""Encryption at rest with keys that can be rotated: Fernet (AES-128-CBC + HMAC-SHA-256), newest key first."""

from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class UndecipherableError(Exception):
    """No key in ENCRYPTION_KEYS opens this value: a key is missing, or the row was damaged."""


@cache
def _keys(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def _box() -> MultiFernet:
    return _keys(tuple(settings.ENCRYPTION_KEYS))


def encrypt(text: str) -> str:
    return _box().encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    try:
        return _box().decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise UndecipherableError("no key in ENCRYPTION_KEYS opens this value") from error


def is_current(token: str) -> bool:
    """Whether the newest key opens it, so that the older ones may go."""
    try:
        Fernet(settings.ENCRYPTION_KEYS[0]).decrypt(token.encode())
    except InvalidToken:
        return False
    return True


def rotate(token: str) -> str:
    """The same text under the newest key. Raises UndecipherableError."""
    try:
        return _box().rotate(token.encode()).decode()
    except InvalidToken as error:
        raise UndecipherableError("no key in ENCRYPTION_KEYS opens this value") from error
