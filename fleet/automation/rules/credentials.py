"""Which credential counts for a device, and what a new one is made of."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

PASSWORD_BYTES = 24


@dataclass(frozen=True)
class Held:
    """A credential and for which devices it is; empty and None ask for nothing."""

    credential_id: int
    use: str
    authority_id: int
    platform: str = ""
    site_id: int | None = None
    device_id: int | None = None


@dataclass(frozen=True)
class Place:
    """What is known of a device."""

    device_id: int
    authority_id: int
    site_id: int
    platform: str


def resolve(held: Iterable[Held], use: str, place: Place) -> int | None:
    """Id of the credential: the device's own, else of its platform at its site, its site, its platform, its authority."""
    fitting = [one for one in held if one.use == use and _fits(one, place)]
    best = max(fitting, key=_narrowness, default=None)
    return best.credential_id if best else None


def _fits(one: Held, place: Place) -> bool:
    return (
        one.authority_id == place.authority_id
        and one.device_id in {None, place.device_id}
        and one.site_id in {None, place.site_id}
        and one.platform in {"", place.platform}
    )


def _narrowness(one: Held) -> tuple[bool, bool, bool]:
    return one.device_id is not None, one.site_id is not None, bool(one.platform)


def renewed(kind: str, old: Mapping[str, Any]) -> dict[str, Any]:
    """A fresh secret of the same kind; whose it is stays. Raises ValueError for a kind that is not renewed by playbook."""
    fresh = secrets.token_urlsafe(PASSWORD_BYTES)
    if kind == "ssh-key":
        return {**old, "private_key": new_private_key()}
    if kind == "ssh-password":
        return {**old, "password": fresh}
    if kind in {"snmp-v1", "snmp-v2c"}:
        return {**old, "community": fresh}
    if kind == "snmp-v3":
        return {**old, "auth_key": fresh, "priv_key": secrets.token_urlsafe(PASSWORD_BYTES)}
    raise ValueError(kind)


def new_private_key() -> str:
    """Ed25519 (RFC 8032), as OpenSSH writes it."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def rotates(kind: str) -> str:
    """What the manifest of a playbook says that renews this kind."""
    return "snmp" if kind.startswith("snmp-") else "ssh"


NEEDED: Mapping[str, frozenset[str]] = {
    "ssh-key": frozenset({"new_public_key", "public_keys"}),
    "ssh-password": frozenset({"new_password"}),
    "snmp-v1": frozenset({"new_community"}),
    "snmp-v2c": frozenset({"new_community"}),
    "snmp-v3": frozenset({"new_auth_key"}),
}
"""By kind: a playbook that declares none of these cannot bring the new secret to a device beside the old one."""


def retiring_arguments(old: Mapping[str, Any], new: Mapping[str, Any], public: tuple[str, str] | None) -> dict[str, Any]:
    """What is offered once the new secret counts: `new_…` of each part, which stays, and `retired_…` of what is to go;
    for keys the public halves, together as `public_keys` and `retired_keys`, and whose they are.

    A private key is never among them.
    """
    offered = {name: new[name] for name in ("username", "user") if name in new}
    if public is not None:
        retired, kept = public
        keys = {"new_public_key": kept, "retired_public_key": retired}
        return offered | keys | {"public_keys": [kept], "retired_keys": [retired]}
    parts = [name for name, value in new.items() if value != old.get(name) and not name.endswith("private_key")]
    offered |= {f"new_{name}": new[name] for name in parts}
    return offered | {f"retired_{name}": old[name] for name in parts if name in old}


def rotation_arguments(old: Mapping[str, Any], new: Mapping[str, Any], public: tuple[str, str] | None) -> dict[str, Any]:
    """What a rotation offers a playbook by name: `new_…` and `old_…` of each part; for keys both public halves,
    together as `public_keys`.

    A private key is never among them: a device needs the public half only.
    """
    offered = {f"new_{name}": value for name, value in new.items()} | {f"old_{name}": value for name, value in old.items()}
    offered = {name: value for name, value in offered.items() if not name.endswith("private_key")}
    offered |= {name: new[name] for name in ("username", "user") if name in new}
    if public is None:
        return offered
    return offered | {"old_public_key": public[0], "new_public_key": public[1], "public_keys": list(public)}
