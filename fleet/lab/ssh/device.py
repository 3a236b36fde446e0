"""What the SSH side needs to know of the world; its access points and switches fit these protocols."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from datetime import datetime
from typing import Any, Protocol


class Facts(Protocol):
    """What a device was built as."""

    @property
    def key(self) -> str: ...

    @property
    def address(self) -> str: ...

    @property
    def platform(self) -> str: ...

    @property
    def ssh_user(self) -> str | None: ...

    @property
    def model(self) -> str: ...

    @property
    def firmware(self) -> str: ...

    @property
    def serial(self) -> str: ...


class Computer(Protocol):
    @property
    def device(self) -> Facts: ...

    @property
    def hostname(self) -> str: ...

    @property
    def reachable(self) -> bool: ...

    @property
    def ssh_delay(self) -> float:
        """Seconds before an SSH connection gets anywhere."""

    @property
    def booted_at(self) -> datetime:
        """Changes when it restarts, whoever made it; may lie ahead while it boots."""

    @property
    def uptime_s(self) -> float: ...

    def reboot(self) -> None: ...


class ShellDevice(Computer, Protocol):
    """An access point: a small Linux whose files are texts in a dictionary."""

    @property
    def files(self) -> MutableMapping[str, str]: ...

    def reload(self, service: str) -> None:
        """Let a service (``wireless``, ``system``, ``snmpd``) follow its committed file."""


class PortConfig(Protocol):
    description: str
    shutdown: bool
    poe: bool
    vlan: int
    trunk: bool


class SwitchConfig(Protocol):
    hostname: str
    ntp: list[str]
    logging: list[str]
    communities: list[str]
    """For reading over SNMP; each of them answers."""
    snmp_location: str
    snmp_contact: str
    banner: str
    lldp: bool
    vlans: dict[int, str]
    flags: list[str]
    enable_secret: str
    radius: dict[str, list[str]]
    """Name of a RADIUS server → the lines of its block."""

    @property
    def ports(self) -> Mapping[int, PortConfig]: ...


class PortState(Protocol):
    @property
    def ifIndex(self) -> int: ...  # noqa: N802 - the MIB's own word

    @property
    def description(self) -> str: ...

    @property
    def admin_up(self) -> bool: ...

    @property
    def oper_up(self) -> bool: ...

    @property
    def poe_capable(self) -> bool: ...

    @property
    def poe_admin(self) -> bool: ...

    @property
    def delivering(self) -> bool: ...

    @property
    def neighbour(self) -> Neighbour | None: ...


class Neighbour(Protocol):
    @property
    def chassis_mac(self) -> str: ...

    @property
    def port_id(self) -> str: ...

    @property
    def sys_name(self) -> str: ...


class SwitchDevice(Computer, Protocol):
    @property
    def running_config(self) -> SwitchConfig: ...

    def ports(self) -> Sequence[PortState]: ...

    def set_poe(self, port: int, enabled: bool) -> None: ...

    def cycle_poe(self, port: int) -> None: ...

    def save(self) -> None: ...


class World(Protocol):
    @property
    def machines(self) -> Iterable[Any]:
        """Every device; those with the platform ``openwrt`` fit ShellDevice, those with ``labswitch`` SwitchDevice."""
