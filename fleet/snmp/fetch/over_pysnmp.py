"""The Fetcher for probes, verification, traps and the odd device: thorough, and slow."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

from pysnmp.carrier.asyncio.dispatch import AsyncioDispatcher
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413 import cmdgen
from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch.asyncio import CommunityData, Udp6TransportTarget, UdpTransportTarget, UsmUserData
from pysnmp.hlapi.v3arch.asyncio import auth as usm
from pysnmp.hlapi.v3arch.asyncio.lcd import CommandGeneratorLcdConfigurator
from pysnmp.proto import errind
from pysnmp.proto.api import v2c

from fleet.snmp import values
from fleet.snmp.errors import SnmpAuthError, SnmpError, SnmpProtocolError, SnmpTimeout, SnmpUnreachable, SnmpWalkError
from fleet.snmp.fetch.protocol import MAX_ROWS
from fleet.snmp.types import Auth, Credential, Oid, Priv, Target, V1Credential, V2cCredential, V3Credential, Value
from fleet.snmp.wire import Peer, is_v6, transport_to

MAX_OIDS_PER_GET = 20  # keeps requests and answers below one 1,500-octet frame for ordinary values
BULK_OBJECTS = 40  # values asked for per GETBULK, shared by the columns walked side by side
IN_FLIGHT = 40  # measured: above about 50 pysnmp reports timeouts that are none

_NO_SUCH_NAME = 2
_TOO_BIG = 1


class PysnmpFetcher:
    """Fetcher over pysnmp: v1, v2c, v3. For probes, verification and the odd device.

    Use as ``async with``, in one event loop. pysnmp keeps about 22 KB per target it has seen: open one per batch of
    work rather than one for ever.
    """

    def __init__(self, *, in_flight: int = IN_FLIGHT, max_rows: int = MAX_ROWS) -> None:
        self._gate = asyncio.Semaphore(min(in_flight, IN_FLIGHT))
        self._max_rows = max_rows
        self._engines: dict[V3Credential | None, _Engine] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes every socket and timer. Afterwards the fetcher can be used anew."""
        for engine in self._engines.values():
            engine.close()
        self._engines.clear()
        await asyncio.sleep(0)  # asyncio closes a datagram transport's socket in the next round of its loop

    async def get(self, target: Target, oids: Sequence[Oid]) -> dict[Oid, Value]:
        """See `Fetcher.get`."""
        found: dict[Oid, Value] = {}
        for start in range(0, len(oids), MAX_OIDS_PER_GET):
            found |= await self._get_chunk(target, list(oids[start : start + MAX_OIDS_PER_GET]))
        return found

    async def walk(self, target: Target, columns: Sequence[Oid]) -> dict[Oid, Value]:
        """See `Fetcher.walk`."""
        walk = _Walk(columns, self._max_rows)
        repetitions = max(1, BULK_OBJECTS // max(1, len(columns)))
        while walk.open:
            answer = await self._next(target, walk.asked(), repetitions)
            if answer.status == _TOO_BIG and repetitions > 1:
                repetitions //= 2
            elif answer.status == _NO_SUCH_NAME:  # SNMPv1's way to say that a column is the last of the tree
                walk.end(answer.index)
            elif answer.status:
                raise SnmpProtocolError(f"{target.address}: error-status {answer.status} in a walk")
            else:
                walk.take(answer.binds)
        return walk.found

    async def _get_chunk(self, target: Target, oids: list[Oid]) -> dict[Oid, Value]:
        if not oids:
            return {}
        answer = await self._ask(target, cmdgen.GetCommandGenerator(), oids)
        if not answer.status:
            return {oid: value for oid, value in answer.binds if value is not None and oid in set(oids)}
        if answer.status == _NO_SUCH_NAME and 0 < answer.index <= len(oids):
            return await self._get_chunk(target, oids[: answer.index - 1] + oids[answer.index :])
        if len(oids) == 1:
            return {}
        half = len(oids) // 2  # tooBig, genErr on one object, or an index we cannot use: the rest must not suffer
        return await self._get_chunk(target, oids[:half]) | await self._get_chunk(target, oids[half:])

    async def _next(self, target: Target, oids: list[Oid], repetitions: int) -> _Answer:
        if isinstance(target.credential, V1Credential):
            return await self._ask(target, cmdgen.NextCommandGenerator(), oids)
        return await self._ask(target, cmdgen.BulkCommandGenerator(), oids, (0, repetitions))

    async def _ask(self, target: Target, generator: Any, oids: list[Oid], bulk: tuple[int, ...] = ()) -> _Answer:
        async with self._gate:
            return await self._engine(target.credential).ask(target, generator, oids, bulk)

    def _engine(self, credential: Credential) -> _Engine:
        """One engine for all communities, one per USM user: two devices may know one user name with different keys."""
        key = credential if isinstance(credential, V3Credential) else None
        if key not in self._engines:
            self._engines[key] = _Engine()
        return self._engines[key]


class _Answer:
    """One response PDU: error-status, error-index, bindings; None for noSuchObject, noSuchInstance and endOfMibView."""

    __slots__ = ("binds", "index", "status")

    def __init__(self, status: int, index: int, binds: list[tuple[Oid, Value | None]]) -> None:
        self.status, self.index, self.binds = status, index, binds


class _Walk:
    """State of columns walked side by side: where each stands, what was found, whether it goes forward."""

    def __init__(self, columns: Sequence[Oid], max_rows: int) -> None:
        self.found: dict[Oid, Value] = {}
        self._at: dict[Oid, Oid] = {column: column for column in columns}
        self.open: list[Oid] = list(columns)
        self._max_rows = max_rows

    def asked(self) -> list[Oid]:
        return [self._at[column] for column in self.open]

    def end(self, index: int) -> None:
        """Closes the column an SNMPv1 agent pointed at (error-index counts from 1); where one is left, it is that one."""
        position = index - 1 if len(self.open) > 1 else 0
        if not 0 <= position < len(self.open):
            raise SnmpProtocolError("error-index points outside of the request")
        del self.open[position]

    def take(self, binds: Sequence[tuple[Oid, Value | None]]) -> None:
        """Takes one answer: rounds of one binding per asked column, the last round perhaps cut short."""
        if not binds:
            raise SnmpProtocolError("an empty answer to a walk")
        asked, ended = list(self.open), set()
        for position, (oid, value) in enumerate(binds):
            column = asked[position % len(asked)]
            if column not in ended and not self._step(column, oid, value):
                ended.add(column)
        self.open = [column for column in asked if column not in ended]

    def _step(self, column: Oid, oid: Oid, value: Value | None) -> bool:
        if value is None or not oid.startswith(column + "."):
            return False
        if oid in self.found:  # out of order is no harm as long as it is new
            raise SnmpWalkError(f"walk of {column} comes back to {oid}")
        if len(self.found) >= self._max_rows:
            raise SnmpWalkError(f"walk of {column} has more than {self._max_rows} rows")
        self._at[column] = oid
        self.found[oid] = value
        return True


class _Strangers:
    """Who answers without having been asked. For whom it does so is known where only one was asked."""

    def __init__(self) -> None:
        self.heard: Peer | None = None
        self._asking, self._alone = 0, True

    @contextmanager
    def while_asking(self) -> Iterator[None]:
        self._alone = not self._asking
        self.heard = None if self._alone else self.heard
        self._asking += 1
        try:
            yield
        finally:
            self._asking -= 1

    @property
    def instead(self) -> Peer | None:
        """Who answered instead of the one that was asked last, where that is certain."""
        return self.heard if self._alone else None


class _Engine:
    """One pysnmp engine with its sockets, its timer and the targets and credentials it has learnt."""

    _LCD = CommandGeneratorLcdConfigurator()

    def __init__(self) -> None:
        self._auth: dict[Credential, Any] = {}
        self._engine = SnmpEngine()
        dispatcher = AsyncioDispatcher()
        dispatcher.set_timer_resolution(0.1)  # the default of 0.5 s would round every timeout up to it
        self._engine.register_transport_dispatcher(dispatcher)
        self._domains: set[tuple[int, ...]] = set()
        self._targets: dict[tuple[str, int, float, int], Any] = {}
        self._garbage: set[Peer] = set()
        self._peers: set[Peer] = set()
        self._strangers = _Strangers()

    def _note_garbage(self, address: str, port: int) -> None:
        self._garbage.add((address, port))

    def _lets_in(self, _datagram: bytes, peer: Peer) -> bool:
        """Only who was asked, as the poller's connected sockets do."""
        if peer not in self._peers:
            self._strangers.heard = peer
        return peer in self._peers

    def close(self) -> None:
        self._engine.close_dispatcher()

    async def ask(self, target: Target, generator: Any, oids: list[Oid], bulk: tuple[int, ...]) -> _Answer:
        transport = await self._transport(target)
        future: asyncio.Future[tuple[Any, int, int, Any]] = asyncio.get_running_loop().create_future()

        def on_answer(_engine: Any, _handle: Any, *answer: Any) -> None:
            if not future.done():
                future.set_result(answer[:4])

        auth = self._auth.get(target.credential) or self._learn(target.credential)
        binds = [(v2c.ObjectIdentifier(values.arcs(oid)), v2c.null) for oid in oids]
        try:
            name, _ = self._LCD.configure(self._engine, auth, transport)
            generator.send_varbinds(self._engine, name, None, "", *bulk, binds, on_answer)
        except (PySnmpError, OSError) as error:
            raise SnmpUnreachable(f"{target.address}: the request could not be sent") from error
        try:
            with self._strangers.while_asking():
                async with asyncio.timeout(_longest_s(target)):
                    indication, status, index, answered = await future
        except TimeoutError as error:
            raise SnmpProtocolError(f"{target.address}:{target.port} gave answers that led nowhere") from error
        if indication and transport.transport_address[:2] in self._garbage:
            self._garbage.discard(transport.transport_address[:2])
            raise SnmpProtocolError(f"{target.address}:{target.port} answers, but not with SNMP that can be read")
        if indication:
            raise _error(indication, target, self._strangers.instead)
        return _Answer(int(status), int(index), [_bind(bind) for bind in answered])

    def _learn(self, credential: Credential) -> Any:
        self._auth[credential] = _auth_data(credential)
        return self._auth[credential]

    def _open(self, address: str) -> None:
        domain, careful = transport_to(address)
        if domain not in self._domains:
            config.add_transport(self._engine, domain, careful(self._note_garbage, self._lets_in).open_client_mode())
            self._domains.add(domain)

    async def _transport(self, target: Target) -> Any:
        key = (target.address, target.port, target.timeout_s, target.retries)
        if key not in self._targets:
            self._open(target.address)
            kind = Udp6TransportTarget if is_v6(target.address) else UdpTransportTarget
            try:
                self._targets[key] = await kind.create(
                    (target.address, target.port), timeout=target.timeout_s, retries=target.retries
                )
            except (PySnmpError, OSError) as error:
                raise SnmpUnreachable(f"{target.address}: this address cannot be used") from error
            self._peers.add(self._targets[key].transport_address[:2])
        return self._targets[key]


def _longest_s(target: Target) -> float:
    """When to stop believing that pysnmp will call back: it loses requests whose answer breaks off in its own parsing.

    An SNMPv3 request may take two more rounds, to learn engine ID and time.
    """
    return 3 * target.timeout_s * (target.retries + 1) + 1


_AUTH_PROTOCOLS: Mapping[Auth, Any] = {
    Auth.NONE: usm.USM_AUTH_NONE,
    Auth.MD5: usm.USM_AUTH_HMAC96_MD5,
    Auth.SHA1: usm.USM_AUTH_HMAC96_SHA,
    Auth.SHA224: usm.USM_AUTH_HMAC128_SHA224,
    Auth.SHA256: usm.USM_AUTH_HMAC192_SHA256,
    Auth.SHA384: usm.USM_AUTH_HMAC256_SHA384,
    Auth.SHA512: usm.USM_AUTH_HMAC384_SHA512,
}
_PRIV_PROTOCOLS: Mapping[Priv, Any] = {
    Priv.NONE: usm.USM_PRIV_NONE,
    Priv.DES: usm.USM_PRIV_CBC56_DES,
    Priv.AES128: usm.USM_PRIV_CFB128_AES,
    Priv.AES192: usm.USM_PRIV_CFB192_AES,
    Priv.AES256: usm.USM_PRIV_CFB256_AES,
}


def _auth_data(credential: Credential) -> Any:
    if isinstance(credential, V1Credential):
        return CommunityData(credential.community, mpModel=0)  # noqa: S508 - agents that know nothing newer
    if isinstance(credential, V2cCredential):
        return CommunityData(credential.community, mpModel=1)  # noqa: S508 - agents that know nothing newer
    return usm_user(credential)


def usm_user(credential: V3Credential) -> Any:
    """pysnmp's form of a USM user; also used by the trap receiver."""
    return UsmUserData(
        credential.user,
        credential.auth_key or None,
        credential.priv_key or None,
        _AUTH_PROTOCOLS[credential.auth_protocol],
        _PRIV_PROTOCOLS[credential.priv_protocol],
    )


def _bind(bind: Any) -> tuple[Oid, Value | None]:
    oid, value = bind
    return ".".join(map(str, tuple(oid))), values.from_pysnmp(value)


_REFUSALS = (
    errind.UnknownUserName,
    errind.UnknownSecurityName,
    errind.WrongDigest,
    errind.AuthenticationFailure,
    errind.AuthenticationError,
    errind.UnsupportedSecurityLevel,
    errind.UnsupportedAuthProtocol,
    errind.UnsupportedPrivProtocol,
    errind.DecryptionError,
    errind.NoAuthentication,
    errind.NoEncryption,
)


def _error(indication: Any, target: Target, stranger: Peer | None) -> SnmpError:
    who = f"{target.address}:{target.port}"
    if isinstance(indication, errind.RequestTimedOut) and stranger:
        address, port = stranger
        return SnmpTimeout(f"{who} answers from {address}:{port}; the poller will not hear it")
    if isinstance(indication, errind.RequestTimedOut):
        attempts = "1 attempt" if target.retries == 0 else f"{target.retries + 1} attempts"
        return SnmpTimeout(f"{who} did not answer: {attempts} of {target.timeout_s:g} s")
    if isinstance(indication, _REFUSALS):
        return SnmpAuthError(f"{who} refused the credential: {indication}")
    return SnmpProtocolError(f"{who} gave an answer that cannot be used: {indication}")
