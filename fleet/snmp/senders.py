"""Who sends us notifications: how often each is listened to, and the SNMPv3 engines among them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pyasn1.codec.ber import decoder
from pysnmp.entity import config
from pysnmp.proto.mpmod.rfc3412 import SNMPv3Message
from pysnmp.proto.rfc1902 import OctetString
from pysnmp.proto.secmod.rfc3414.service import UsmSecurityParameters

from fleet.snmp.fetch import usm_user

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pysnmp.entity.engine import SnmpEngine

    from fleet.snmp.types import V3Credential

logger = logging.getLogger(__name__)
BURST, PER_S = 60, 2.0
"""Datagrams of one source that are listened to at once, and how many more each second."""
MOST_SOURCES = 10_000
MOST_ENGINES, MOST_ENGINES_PER_SOURCE = 20_000, 4
ENGINE_ID_OCTETS = range(5, 33)
"""SnmpEngineID, RFC 3411 §5."""
VERSION_3 = b"\x02\x01\x03"
HEAD_OCTETS = 8
"""The outer SEQUENCE with any length, and the version behind it."""


@dataclass
class _Bucket:
    left: float
    at: float


class Gate:
    """A token bucket per source, so that a storm of one is not a storm for the others.

    All sources beyond those that can be kept apart share one bucket: inventing addresses opens no gate.
    """

    def __init__(self) -> None:
        self._buckets: dict[str, _Bucket] = {}

    def lets_in(self, source: str, now: float) -> bool:
        """`now` in seconds of a clock that never goes back."""
        bucket = self._bucket(source, now)
        bucket.left = min(BURST, bucket.left + (now - bucket.at) * PER_S)
        bucket.at = now
        if bucket.left < 1:
            return False
        bucket.left -= 1
        return True

    def _bucket(self, source: str, now: float) -> _Bucket:
        if source not in self._buckets and len(self._buckets) >= MOST_SOURCES:
            self._forget_the_quiet(now)
            source = source if len(self._buckets) < MOST_SOURCES else ""
        return self._buckets.setdefault(source, _Bucket(BURST, now))

    def _forget_the_quiet(self, now: float) -> None:
        """Who has been silent for so long that its bucket is full again."""
        full_after_s = BURST / PER_S
        self._buckets = {source: one for source, one in self._buckets.items() if now - one.at < full_after_s}


class Senders:
    """The engines of SNMPv3 senders: each gets the accepted users with keys localised for it (RFC 3414 §2.6)."""

    def __init__(self, engine: SnmpEngine, users: Mapping[bytes, V3Credential]) -> None:
        self._engine = engine
        self._users = users
        self._met: set[tuple[bytes, bytes]] = set()
        self._per_source: dict[str, int] = {}

    def meet(self, datagram: bytes, source: str) -> None:
        """Makes the sender of this datagram known, if it is SNMPv3 by a user that we accept. Never raises."""
        if not self._users or VERSION_3 not in datagram[:HEAD_OCTETS]:
            return
        try:
            engine_id, user = _who(datagram)
        except Exception as error:  # pyasn1 raises anything on garbage
            logger.debug("undecodable SNMPv3 from %s: %s", source, type(error).__name__)
            return
        if user in self._users and (engine_id, user) not in self._met and self._room(engine_id, source):
            add_user(self._engine, self._users[user], engine_id)
            self._met.add((engine_id, user))
            self._per_source[source] = self._per_source.get(source, 0) + 1

    def _room(self, engine_id: bytes, source: str) -> bool:
        """An engine ID is free to choose: nobody fills our tables with inventions."""
        if len(engine_id) not in ENGINE_ID_OCTETS or engine_id == self._engine.snmpEngineID.asOctets():
            return False
        return len(self._met) < MOST_ENGINES and self._per_source.get(source, 0) < MOST_ENGINES_PER_SOURCE


def _who(datagram: bytes) -> tuple[bytes, bytes]:
    """(msgAuthoritativeEngineID, msgUserName), RFC 3414 §2.4."""
    message, _rest = decoder.decode(datagram, asn1Spec=SNMPv3Message())
    parameters: Any = decoder.decode(message.getComponentByPosition(2).asOctets(), asn1Spec=UsmSecurityParameters())[0]
    return parameters.getComponentByPosition(0).asOctets(), parameters.getComponentByPosition(3).asOctets()


@dataclass(frozen=True)
class _Keys:
    """Master keys (RFC 3414 §A.2): making them from pass phrases is slow on purpose, so it is done once per user."""

    auth: Any = None
    priv: Any = None


def add_user(engine: SnmpEngine, credential: V3Credential, engine_id: bytes | None = None) -> None:
    """A USM user of our own engine, or of the one that is named."""
    user, keys = usm_user(credential), _master_keys(credential)
    config.add_v3_user(
        engine,
        user.userName,
        user.authentication_protocol,
        keys.auth,
        user.privacy_protocol,
        keys.priv,
        securityEngineId=OctetString(engine_id) if engine_id is not None else None,
        authKeyType=config.USM_KEY_TYPE_MASTER,
        privKeyType=config.USM_KEY_TYPE_MASTER,
    )


@lru_cache(maxsize=64)
def _master_keys(credential: V3Credential) -> _Keys:
    user = usm_user(credential)
    auth, priv = user.authentication_protocol, user.privacy_protocol
    return _Keys(
        config.AUTH_SERVICES[auth].hash_passphrase(OctetString(credential.auth_key)) if credential.auth_key else None,
        config.PRIV_SERVICES[priv].hash_passphrase(auth, OctetString(credential.priv_key)) if credential.priv_key else None,
    )
