"""What goes to a device (Target, credentials) and what comes back (Reading). Frozen; secrets never show in a repr."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from pydantic import TypeAdapter

Oid: TypeAlias = str
"""Dotted, without a leading dot: ``1.3.6.1.2.1.1.1.0``."""

Value: TypeAlias = int | float | str | bytes
"""A fetched value: integers of all kinds as int, OCTET STRING as bytes, OBJECT IDENTIFIER and IpAddress as dotted text,
net-snmp's opaque floats as float. What an integer means (counter, gauge, time ticks) the profile knows."""


PASS_PHRASE_MIN = 8


def _plain(name: object) -> str:
    """`SHA-256`, `AES-128` as people and vendors write them → `sha256`, `aes128`; bare SHA is SHA-1, bare AES 128."""
    plain = str(name).lower().replace("-", "").replace("_", "")
    return {"sha": "sha1", "aes": "aes128"}.get(plain, plain)


class Auth(StrEnum):
    """USM authentication protocols (RFC 3414, RFC 7860); also made of what people write: `SHA-256`."""

    NONE = "none"
    MD5 = "md5"
    SHA1 = "sha1"
    SHA224 = "sha224"
    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"

    @classmethod
    def _missing_(cls, value: object) -> Auth | None:
        return next((one for one in cls if one == _plain(value)), None)


class Priv(StrEnum):
    """USM privacy protocols (RFC 3414, RFC 3826; AES-192/256 as most vendors do it, key extension after Reeder).

    Likewise of `AES-128`."""

    NONE = "none"
    DES = "des"
    AES128 = "aes128"
    AES192 = "aes192"
    AES256 = "aes256"

    @classmethod
    def _missing_(cls, value: object) -> Priv | None:
        return next((one for one in cls if one == _plain(value)), None)


@dataclass(frozen=True, slots=True)
class V1Credential:
    """Community of an agent that only speaks SNMPv1."""

    community: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class V2cCredential:
    """Community of an SNMPv2c agent."""

    community: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class V3Credential:
    """A USM user (RFC 3414). Keys are pass phrases of at least 8 characters."""

    user: str
    auth_protocol: Auth = Auth.NONE
    auth_key: str = field(default="", repr=False)
    priv_protocol: Priv = Priv.NONE
    priv_key: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.priv_protocol is not Priv.NONE and self.auth_protocol is Auth.NONE:
            raise ValueError("SNMPv3 has no privacy without authentication (RFC 3414 §1.4.2)")
        for protocol, key in ((self.auth_protocol, self.auth_key), (self.priv_protocol, self.priv_key)):
            if protocol != "none" and len(key) < PASS_PHRASE_MIN:
                raise ValueError("SNMPv3 pass phrases have at least 8 characters (RFC 3414 §11.2)")


Credential: TypeAlias = V1Credential | V2cCredential | V3Credential


@dataclass(frozen=True, slots=True)
class Target:
    """One agent: where it listens, who we are to it, how long we wait. ``timeout_s`` is per attempt."""

    address: str
    port: int
    credential: Credential
    timeout_s: float = 2.0
    retries: int = 1


# Reading: names are the MIBs' own words (ifIndex), units are in the names; None means "the device does not say".


@dataclass(frozen=True, slots=True)
class Interface:
    """A row of IF-MIB ifTable/ifXTable (RFC 2863). Octets and errors are raw counters, 64 bit where there are some."""

    ifIndex: int  # noqa: N815 - the MIB's own name, and the JSON's
    name: str | None = None
    alias: str | None = None
    mac: str | None = None
    oper: str | None = None
    admin: str | None = None
    speed_bps: int | None = None
    in_octets: int | None = None
    out_octets: int | None = None
    in_errors: int | None = None
    out_errors: int | None = None
    pvid: int | None = None
    """The VLAN of what comes without a tag (Q-BRIDGE-MIB dot1qPvid)."""


@dataclass(frozen=True, slots=True)
class Memory:
    """A pool of memory or a file system and how much of it is in use."""

    name: str | None = None
    percent: float | None = None
    total_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Temperature:
    """A sensor, in degrees Celsius."""

    name: str | None = None
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Radio:
    """A transmitter of an access point. ``band`` in GHz as text: 2.4, 5 or 6."""

    band: str | None = None
    channel: int | None = None
    power_dbm: float | None = None
    clients: int | None = None
    utilisation_percent: float | None = None


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """An access point as its controller lists it."""

    name: str | None = None
    mac: str | None = None
    serial: str | None = None
    model: str | None = None
    address: str | None = None
    status: str | None = None
    clients: int | None = None


@dataclass(frozen=True, slots=True)
class Wireless:
    """What an access point or a controller says about its Wi-Fi."""

    clients: int | None = None
    clients_by_ssid: dict[str, int] | None = None
    ssids: tuple[str, ...] | None = None
    radios: tuple[Radio, ...] | None = None
    access_points: tuple[AccessPoint, ...] | None = None
    access_point_count: int | None = None


@dataclass(frozen=True, slots=True)
class PoePort:
    """A port that feeds power (POWER-ETHERNET-MIB, RFC 3621); ``status`` is pethPsePortDetectionStatus."""

    ifIndex: int  # noqa: N815 - the MIB's own name, and the JSON's
    admin: str | None = None
    status: str | None = None
    power_w: float | None = None


@dataclass(frozen=True, slots=True)
class Supply:
    """A marker supply of a printer (Printer-MIB, RFC 3805)."""

    name: str | None = None
    kind: str | None = None
    percent: int | None = None


@dataclass(frozen=True, slots=True)
class Ups:
    """An uninterruptible power supply (UPS-MIB, RFC 1628)."""

    charge_percent: float | None = None
    runtime_s: int | None = None
    load_percent: float | None = None
    on_battery: bool | None = None


@dataclass(frozen=True, slots=True)
class Forwarding:
    """Behind which port a MAC address was seen (BRIDGE-MIB, Q-BRIDGE-MIB)."""

    mac: str | None = None
    ifIndex: int | None = None  # noqa: N815 - the MIB's own name, and the JSON's
    vlan: int | None = None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Who sits at the other end of a cable (LLDP-MIB, IEEE 802.1AB)."""

    protocol: str | None = None
    name: str | None = None
    port: str | None = None
    local_ifIndex: int | None = None  # noqa: N815 - the MIB's own name, and the JSON's


KINDS = frozenset(
    {"access-point", "wireless-controller", "switch", "router", "firewall", "printer", "ups", "server", "nas", "other"}
)
"""What `Reading.kind` can be."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one device said when it was asked once.

    A list that is None was not said; an empty tuple means the device says there are none. ``problems`` tells in words
    which part could not be read although the device answered.
    """

    reachable: bool
    sysObjectID: str | None = None  # noqa: N815 - the MIB's own name, and the JSON's
    sysDescr: str | None = None  # noqa: N815 - the MIB's own name, and the JSON's
    sysName: str | None = None  # noqa: N815 - the MIB's own name, and the JSON's
    sysContact: str | None = None  # noqa: N815 - likewise
    uptime_s: int | None = None
    kind: str | None = None
    vendor: str | None = None
    model: str | None = None
    firmware: str | None = None
    serial: str | None = None
    profile: str | None = None
    interfaces: tuple[Interface, ...] | None = None
    cpu_percent: tuple[int, ...] | None = None
    memory: tuple[Memory, ...] | None = None
    temperatures_c: tuple[Temperature, ...] | None = None
    wireless: Wireless | None = None
    supplies: tuple[Supply, ...] | None = None
    ups: Ups | None = None
    poe: tuple[PoePort, ...] | None = None
    vlans: tuple[int, ...] | None = None
    forwarding: tuple[Forwarding, ...] | None = None
    neighbours: tuple[Neighbour, ...] | None = None
    problems: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The reading as JSON-ready dicts, lists and scalars; None where the device does not say."""
        dumped: dict[str, Any] = _ADAPTER.dump_python(self, mode="json")
        return dumped

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Reading:
        """Inverse of `as_dict`. Raises ValueError if a type does not fit; unknown keys are left out."""
        return _ADAPTER.validate_python(stored)

    @classmethod
    def unreachable(cls) -> Reading:
        """The reading of a device that did not answer: everything unknown."""
        return cls(reachable=False)


_ADAPTER: TypeAdapter[Reading] = TypeAdapter(Reading)
