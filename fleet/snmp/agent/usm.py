"""SNMPv3 with the User-based Security Model, the side that is authoritative (RFC 3412, RFC 3414, RFC 3826, RFC 7860).

The cryptography is hashlib's and pyca's; key localisation is pysnmp's.
"""

import hashlib
import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from pysnmp.proto.rfc1902 import OctetString
from pysnmp.proto.secmod.rfc3414 import localkey

from fleet.snmp.agent import ber, pdu
from fleet.snmp.agent.model import Agent, Engine
from fleet.snmp.types import Auth, Priv, V3Credential

AUTH_FLAG, PRIV_FLAG, REPORTABLE_FLAG = 1, 2, 4
USM = 3
WINDOW_S = 150
MAX_SIZE = 65_507
V2C = 1

_STATS = "1.3.6.1.6.3.15.1.1"
UNSUPPORTED_LEVEL, NOT_IN_WINDOW, UNKNOWN_USER, UNKNOWN_ENGINE, WRONG_DIGEST, DECRYPTION_ERROR = (
    ber.oid_octets(ber.arcs(f"{_STATS}.{n}.0")) for n in range(1, 7)
)

HASHES: dict[Auth, tuple[Callable[..., Any], int]] = {
    Auth.MD5: (hashlib.md5, 12),
    Auth.SHA1: (hashlib.sha1, 12),
    Auth.SHA224: (hashlib.sha224, 16),
    Auth.SHA256: (hashlib.sha256, 24),
    Auth.SHA384: (hashlib.sha384, 32),
    Auth.SHA512: (hashlib.sha512, 48),
}
"""Hash and length of the digest on the wire (RFC 3414 §6 and 7, RFC 7860 §4)."""


@dataclass(frozen=True, slots=True)
class Header:
    msg_id: bytes
    flags: int
    engine_id: bytes
    boots: int
    time_s: int
    user: bytes
    digest: bytes
    digest_at: int
    """Where in the datagram the digest stands."""
    salt: bytes
    data_at: int


@dataclass(frozen=True, slots=True)
class Keys:
    """A user's keys, localised to one engine."""

    protocol: Auth
    auth: bytes
    priv: bytes


class Refused(Exception):  # noqa: N818  (says what happened; the report tells it to the other side)
    """The request ends in a report with this counter."""

    def __init__(self, counter: bytes, *, authenticated: bool = False) -> None:
        super().__init__(counter)
        self.counter = counter
        self.authenticated = authenticated


def reply(agent: Agent, datagram: bytes, at: int) -> bytes | None:
    """The answer or the report to a version 3 message whose header starts at `at`. Raises ber.Malformed."""
    header = _parse(datagram, at)
    engine, user = agent.engine, agent.user
    keys = _keys(user, engine.id) if user else None
    try:
        scoped = _open(header, datagram, engine, user, keys)
    except Refused as refused:
        return _report(header, engine, keys if refused.authenticated else None, refused.counter)
    _, start, _ = ber.read(scoped, 0, ber.SEQUENCE)
    _, _, after_engine = ber.read(scoped, start, ber.OCTETS)
    _, _, after_name = ber.read(scoped, after_engine, ber.OCTETS)
    answered = pdu.answer(pdu.parse(scoped, after_name), agent.view(), V2C)
    if answered is None:
        return None
    body = ber.tlv(ber.SEQUENCE, ber.octets(engine.id) + scoped[after_engine:after_name] + answered)
    return _close(header, engine, keys if header.flags & AUTH_FLAG else None, body)


def _parse(data: bytes, at: int) -> Header:
    _, at, global_end = ber.read(data, at, ber.SEQUENCE)
    _, _, id_end = ber.read(data, at, ber.INTEGER)
    _, size_end = ber.read_integer(data, id_end)
    flags, flags_end = ber.read_octets(data, size_end)
    model, _ = ber.read_integer(data, flags_end)
    if model != USM or len(flags) != 1:
        raise ber.Malformed("no USM message")
    _, params_start, params_end = ber.read(data, global_end, ber.OCTETS)
    _, inner, _ = ber.read(data, params_start, ber.SEQUENCE)
    engine_id, inner = ber.read_octets(data, inner)
    boots, inner = ber.read_integer(data, inner)
    time_s, inner = ber.read_integer(data, inner)
    user, inner = ber.read_octets(data, inner)
    _, digest_at, digest_end = ber.read(data, inner, ber.OCTETS)
    salt, _ = ber.read_octets(data, digest_end)
    return Header(
        msg_id=data[at:id_end],
        flags=flags[0],
        engine_id=engine_id,
        boots=boots,
        time_s=time_s,
        user=user,
        digest=data[digest_at:digest_end],
        digest_at=digest_at,
        salt=salt,
        data_at=params_end,
    )


def _open(header: Header, datagram: bytes, engine: Engine, user: V3Credential | None, keys: Keys | None) -> bytes:
    """The scoped PDU in clear, in the order of checks of RFC 3414 §3.2. Raises Refused."""
    if header.engine_id != engine.id:
        raise Refused(UNKNOWN_ENGINE)
    if user is None or keys is None or header.user != user.user.encode():
        raise Refused(UNKNOWN_USER)
    if header.flags & (AUTH_FLAG | PRIV_FLAG) != _level(user):
        raise Refused(UNSUPPORTED_LEVEL)
    if header.flags & AUTH_FLAG:
        _authenticate(header, datagram, engine, keys)
    if not header.flags & PRIV_FLAG:
        return datagram[header.data_at :]
    sealed, _ = ber.read_octets(datagram, header.data_at)
    return _decrypted(header, keys, sealed)


def _level(user: V3Credential) -> int:
    auth = AUTH_FLAG if user.auth_protocol is not Auth.NONE else 0
    return auth | (PRIV_FLAG if user.priv_protocol is not Priv.NONE else 0)


def _authenticate(header: Header, datagram: bytes, engine: Engine, keys: Keys) -> None:
    length = len(header.digest)
    blank = datagram[: header.digest_at] + bytes(length) + datagram[header.digest_at + length :]
    if not hmac.compare_digest(header.digest, _digest(keys, blank)):
        raise Refused(WRONG_DIGEST)
    if header.boots != engine.boots or abs(header.time_s - engine.time_s) > WINDOW_S:
        raise Refused(NOT_IN_WINDOW, authenticated=True)


def _decrypted(header: Header, keys: Keys, sealed: bytes) -> bytes:
    if len(header.salt) != 8:  # noqa: PLR2004  (RFC 3826 §3.1.2.1)
        raise Refused(DECRYPTION_ERROR)
    clear = _aes(keys, header.boots, header.time_s, header.salt).decryptor().update(sealed)
    if clear[:1] != bytes((ber.SEQUENCE,)):
        raise Refused(DECRYPTION_ERROR)
    return clear


def _report(header: Header, engine: Engine, keys: Keys | None, counter: bytes) -> bytes | None:
    """A Report PDU; never encrypted, authenticated only where RFC 3414 wants it (not in time window)."""
    if not header.flags & REPORTABLE_FLAG:
        return None
    binding = ber.tlv(ber.SEQUENCE, ber.tlv(ber.OID, counter) + ber.counter32(1))
    body = ber.tlv(
        ber.SEQUENCE,
        ber.octets(engine.id) + ber.octets(b"") + pdu.response(ber.integer(0), binding, kind=pdu.REPORT),
    )
    return _message(header, engine, keys, AUTH_FLAG if keys else 0, body)


def _close(header: Header, engine: Engine, keys: Keys | None, body: bytes) -> bytes:
    if keys is None or not header.flags & PRIV_FLAG:
        return _message(header, engine, keys, header.flags & AUTH_FLAG, body)
    salt = os.urandom(8)
    sealed = _aes(keys, engine.boots, engine.time_s, salt).encryptor().update(body)
    return _message(header, engine, keys, AUTH_FLAG | PRIV_FLAG, ber.octets(sealed), salt)


def _message(header: Header, engine: Engine, keys: Keys | None, flags: int, data: bytes, salt: bytes = b"") -> bytes:
    length = HASHES[keys.protocol][1] if keys else 0
    global_data = ber.tlv(
        ber.SEQUENCE,
        header.msg_id + ber.integer(MAX_SIZE) + ber.octets(bytes((flags,))) + ber.integer(USM),
    )
    who = ber.octets(engine.id) + ber.integer(engine.boots) + ber.integer(engine.time_s) + ber.octets(header.user)
    params = ber.octets(ber.tlv(ber.SEQUENCE, who + ber.octets(bytes(length)) + ber.octets(salt)))
    whole = ber.tlv(ber.SEQUENCE, ber.integer(3) + global_data + params + data)
    if not keys:
        return whole
    at = len(whole) - len(data) - len(ber.octets(salt)) - length
    return whole[:at] + _digest(keys, whole) + whole[at + length :]


def _digest(keys: Keys, blanked: bytes) -> bytes:
    function, length = HASHES[keys.protocol]
    return hmac.digest(keys.auth, blanked, function)[:length]


def _aes(keys: Keys, boots: int, time_s: int, salt: bytes) -> Cipher[CFB]:
    """RFC 3826 §3.1.2.1: the initialisation vector is boots, time and salt."""
    return Cipher(AES128(keys.priv), CFB(boots.to_bytes(4, "big") + time_s.to_bytes(4, "big") + salt))


@lru_cache(maxsize=4096)
def _keys(user: V3Credential, engine_id: bytes) -> Keys:
    if user.auth_protocol is Auth.NONE:
        return Keys(user.auth_protocol, b"", b"")
    auth = _localised(user.auth_protocol, user.auth_key, engine_id)
    priv = _localised(user.auth_protocol, user.priv_key, engine_id)[:16] if user.priv_key else b""
    return Keys(user.auth_protocol, auth, priv)


def _localised(protocol: Auth, password: str, engine_id: bytes) -> bytes:
    function = HASHES[protocol][0]
    return bytes(localkey.localize_key(_hashed(protocol, password), OctetString(engine_id), function))


@lru_cache(maxsize=256)
def _hashed(protocol: Auth, password: str) -> Any:
    """A megabyte of hashing (RFC 3414 A.2), therefore once per password."""
    return localkey.hash_passphrase(password, HASHES[protocol][0])
