"""RADIUS servers that a switch asks (RFC 2865), as blocks of its configuration. Pure.

Cisco IOS 15.2(2)E and later, IOS XE: `radius server NAME`, Security Command Reference. Other makes show the shared secret
only enciphered, so nobody can tell whether it is right; they are not configured here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from .wish import WishError

HEADER = re.compile(r"radius server (\S+)")
ADDRESS = re.compile(r"address ipv4 (\S+)(?: auth-port ([0-9]+))?(?: acct-port ([0-9]+))?")
KEY = re.compile(r"key (?:([067]) )?(\S+)")
AUTH_PORT, ACCT_PORT = 1645, 1646
"""What IOS takes where it shows none."""
_VIGENERE = b"dsfd;kfoA,.iyewrkldJKDHSUBsgvca69834ncxv9873254k;fg87"
_HOST = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", re.ASCII)
_SECRET = re.compile(r"[!-~]{16,64}", re.ASCII)


@dataclass(frozen=True)
class Server:
    address: str = ""
    auth_port: int = AUTH_PORT
    acct_port: int = ACCT_PORT
    key: str = ""
    """Empty where it cannot be read: none there, or enciphered with a key of the switch's own (type 6)."""


def line(server: Server, words: str) -> Server:
    """`server` with one line of its block read in."""
    if found := ADDRESS.fullmatch(words):
        return replace(server, address=found[1], auth_port=int(found[2] or AUTH_PORT), acct_port=int(found[3] or ACCT_PORT))
    if found := KEY.fullmatch(words):
        return replace(server, key={"7": _plain(found[2]), "6": ""}.get(found[1] or "0", found[2]))
    return server


def _plain(text: str) -> str:
    """Type 7 hides a text from a glance, no more: an offset in two digits, then bytes XORed with a known text."""
    if not re.fullmatch(r"[0-9]{2}(?:[0-9A-Fa-f]{2})+", text):
        return ""
    offset, body = int(text[:2]), bytes.fromhex(text[2:])
    return bytes(one ^ _VIGENERE[(offset + at) % len(_VIGENERE)] for at, one in enumerate(body)).decode(errors="replace")


@dataclass(frozen=True)
class Wish:
    address: str
    port: int
    secret: str
    replaces: str = ""
    """Address of the server whose place it takes; empty: of the only one there is."""


def wanted(servers: Mapping[str, Server], wish: Wish) -> dict[str, Server]:
    """`servers` with the wished one in the place of the old one. Raises WishError where it is not clear whose place."""
    if not _HOST.fullmatch(wish.address) or not _SECRET.fullmatch(wish.secret) or "?" in wish.secret:
        raise WishError("a RADIUS server has an IPv4 address; its secret 16 to 64 plain characters and no question mark")
    places = [name for name, one in servers.items() if one.address == wish.address]
    places = places or [name for name, one in servers.items() if wish.replaces in ("", one.address)]
    if len(places) != 1:
        known = ", ".join(one.address for one in servers.values()) or "none"
        raise WishError(f"the switch must know exactly one RADIUS server to put this one in its place; it knows {known}")
    (name,) = places
    if not servers[name].key:
        raise WishError(
            "the secret that is there cannot be read (type 6), so it could not be put back; set it at the switch"
        )
    return {**servers, name: replace(servers[name], address=wish.address, auth_port=wish.port, key=wish.secret)}


def restored(servers: Mapping[str, Server], kept: Mapping[str, Server]) -> dict[str, Server]:
    """`servers` as they were kept; none is made or taken away, since groups name them. Raises WishError."""
    after = {name: kept.get(name, one) for name, one in servers.items()}
    if unknown := sorted(name for name, one in after.items() if one != servers[name] and not one.key):
        raise WishError(f"radius server {unknown[0]}: its secret was kept enciphered (type 6); set it at the switch")
    return after


def lines(before: Mapping[str, Server], after: Mapping[str, Server]) -> Iterator[str]:
    for name, one in after.items():
        had = before.get(name, Server())
        if one == had:
            continue
        yield f"radius server {name}"
        yield f"address ipv4 {one.address} auth-port {one.auth_port} acct-port {one.acct_port}"
        yield from (f"key {one.key}",) if one.key and one.key != had.key else ()
        yield "exit"


def shown(one: Mapping[str, Server], other: Mapping[str, Server]) -> list[tuple[str, str]]:
    """What `one` has where it differs; the name of the secret's row tells that it is one."""
    pairs: list[tuple[str, str]] = []
    for name, server in one.items():
        there = other.get(name)
        if server != there:
            pairs.append((f"radius server {name}", f"{server.address} port {server.auth_port}"))
        if there is None or server.key != there.key:
            pairs.append((f"radius server {name}.key", server.key))
    return pairs
