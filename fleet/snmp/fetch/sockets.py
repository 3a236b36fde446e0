"""gufo-snmp's sockets, one per agent: made, kept for a while, and their exceptions told in our words.

gufo's own sessions wait inside asyncio; here its sockets are used as they are, without blocking. They know no retries, no
timeouts and no error-status; `Stream` and `GufoFetcher` add these.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

from gufo.snmp import _fast as gufo
from gufo.snmp import user as usm

from fleet.snmp.errors import SnmpAuthError, SnmpError, SnmpProtocolError, SnmpUnreachable
from fleet.snmp.types import Auth, Priv, Target, V1Credential, V2cCredential, V3Credential

_AUTH: dict[Auth, type[usm.BaseAuthKey]] = {
    Auth.MD5: usm.Md5Key,
    Auth.SHA1: usm.Sha1Key,
    Auth.SHA224: usm.Sha224Key,
    Auth.SHA256: usm.Sha256Key,
    Auth.SHA384: usm.Sha384Key,
    Auth.SHA512: usm.Sha512Key,
}
_PRIV: dict[Priv, type[usm.BasePrivKey]] = {
    Priv.DES: usm.DesKey,
    Priv.AES128: usm.Aes128Key,
    Priv.AES192: usm.Aes192Key,
    Priv.AES256: usm.Aes256Key,
}
_DEFAULTS = (0, 0, 0, 0)
"""ToS, sizes of the send and receive buffers, timeout: 0 is the system's default, and "do not block"."""


def connected(target: Target, engine_id: bytes = b"") -> Any:
    """A non-blocking socket. Raises SnmpUnreachable. For SNMPv3 without an engine ID: as nobody, to ask for it."""
    address = f"[{target.address}]" if ":" in target.address else target.address
    end = f"{address}:{target.port}"
    try:
        if isinstance(target.credential, V1Credential):
            return gufo.SnmpV1ClientSocket(end, target.credential.community, *_DEFAULTS)
        if isinstance(target.credential, V2cCredential):
            return gufo.SnmpV2cClientSocket(end, target.credential.community, *_DEFAULTS)
        keys = user_keys(target.credential) if engine_id else ("", 0, b"", 0, b"")
        return gufo.SnmpV3ClientSocket(end, engine_id, *keys, *_DEFAULTS)
    except OSError as error:
        raise SnmpUnreachable(f"{target.address}: this address cannot be used") from error


@functools.lru_cache(maxsize=1_024)
def user_keys(credential: V3Credential) -> tuple[str, int, bytes, int, bytes]:
    """What gufo wants to know of a USM user. Making a key of a pass phrase takes a million octets of hashing
    (RFC 3414 §A.2): it happens once per credential; making it the engine's own is quick and happens per socket."""
    auth = _auth_key(credential)
    user = usm.User(
        credential.user,
        auth_key=auth,
        priv_key=_priv_key(credential, auth) if auth else None,
        key_expansion=usm.KeyExpansion.Cisco,  # as pysnmp and most vendors extend short keys (Reeder)
    )
    return user.name, user.get_auth_alg(), user.get_auth_key(), user.get_priv_alg(), user.get_priv_key()


def _auth_key(credential: V3Credential) -> usm.BaseAuthKey | None:
    kind = _AUTH.get(credential.auth_protocol)
    if kind is None:
        return None
    return kind(kind.get_master_key(credential.auth_key.encode()), usm.KeyType.Master)


def _priv_key(credential: V3Credential, auth: usm.BaseAuthKey) -> usm.BasePrivKey | None:
    kind = _PRIV.get(credential.priv_protocol)
    if kind is None:
        return None
    return kind(auth.get_master_key(credential.priv_key.encode()), usm.KeyType.Master)


_NOT_NOW = ("os error 11", "os error 105")
"""EAGAIN, ENOBUFS: our own buffers are full. The datagram counts as lost, and is sent again in time."""
_REFUSED = "os error 111"
"""ECONNREFUSED: an ICMP message about the datagram before. Nothing was sent; the next call does."""


def failed_to_send(error: OSError, again: Callable[[], None], target: Target) -> None:
    """Raises SnmpUnreachable, unless the datagram may be taken for lost on its way."""
    if _REFUSED in str(error):
        with contextlib.suppress(OSError):
            again()
    elif not any(text in str(error) for text in _NOT_NOW):
        raise SnmpUnreachable(f"{target.address}: the request could not be sent") from error


def failed_to_receive(error: BaseException, target: Target) -> SnmpError | None:
    """What it means; None if it means nothing. What is no failure to receive (Ctrl-C, our own bugs) is raised again."""
    if isinstance(error, TimeoutError):  # an ICMP "port unreachable", which anybody can send: time will tell
        return None
    if isinstance(error, gufo.SnmpAuthError):
        return SnmpAuthError(f"{target.address}:{target.port} refused the credential, or does not know our time")
    if isinstance(error, gufo.SnmpError | ValueError | OverflowError) or type(error).__name__ == "PanicException":
        return SnmpProtocolError(f"{target.address}:{target.port} answers, but not with SNMP that can be read")
    if isinstance(error, OSError):
        return SnmpUnreachable(f"{target.address}: the answer could not be received")
    raise error
