"""An OpenWrt-like access point: files in flash, radios on air, people who come with the bell."""

import posixpath
from collections.abc import Hashable
from dataclasses import asdict, dataclass
from typing import Any

from fleet.lab.city import Device, SnmpV2c
from fleet.lab.city.build import lab_secret
from fleet.lab.ssh import uci
from fleet.lab.world import openwrt
from fleet.lab.world.machine import BOOT_S, Around, Machine, roll

FIRST_WLAN_INDEX = 10
SLOTS_PER_RADIO = 8
SEATS = {"classroom": 28, "group": 8, "office": 6, "hall": 60, "technical": 2}

ROOM_IN_USE_PERCENT = 85


@dataclass(frozen=True)
class Bss:
    """One network name on one radio, on air."""

    radio: str
    ifname: str
    ifIndex: int  # noqa: N815  (the MIB's own word)
    ssid: str
    channel: int
    band: str
    """`2g` or `5g`."""

    @property
    def frequency_mhz(self) -> int:
        return (2407 if self.band == "2g" else 5000) + 5 * self.channel


@dataclass(frozen=True)
class SnmpdConfig:
    communities: tuple[str, ...]
    location: str
    contact: str


class AccessPoint(Machine):
    def __init__(self, device: Device, world: Around) -> None:
        super().__init__(device, world)
        self.files: dict[str, str] = self._factory_files()
        """The committed file system; what runs follows only after `reload`."""
        self.on_air: tuple[Bss, ...] = ()
        self._hostname = device.key
        self._snmpd = SnmpdConfig((), device.room, "")
        self._load_all()

    def _factory_files(self) -> dict[str, str]:
        site = self.world.city.site_by_key[self.device.site]
        return openwrt.files(
            self.device,
            school_ssid=f"{self.world.city.name}-{'Kita' if site.kind == 'kindergarten' else 'Schule'}",
            psk=lab_secret(site.key, "psk"),
            community=self.device.snmp.community if isinstance(self.device.snmp, SnmpV2c) else None,
        )

    # --- how it is ----------------------------------------------------------------------------------------------------

    @property
    def hostname(self) -> str:
        return self._hostname

    @property
    def firmware(self) -> str:
        """What it runs now, as it calls itself."""
        return f"{self.device.firmware.rpartition(' ')[0]} {self.files['/etc/openwrt_version'].strip()}"

    @property
    def location(self) -> str:
        return self._snmpd.location

    @property
    def contact(self) -> str:
        return self._snmpd.contact

    @property
    def communities(self) -> frozenset[str]:
        return frozenset() if self.faults.wrong_community else frozenset(self._snmpd.communities)

    def shape(self) -> Hashable:
        return self.on_air

    @property
    def powered(self) -> bool:
        link = self.device.uplink
        return link is None or self.world.by_key(link.device).delivers(link.port)

    @property
    def active_ssids(self) -> dict[str, list[str]]:
        """radio → network names on air, in the order of the configuration."""
        result: dict[str, list[str]] = {}
        for bss in self.on_air:
            result.setdefault(bss.radio, []).append(bss.ssid)
        return result

    def clients(self) -> dict[str, int]:
        """ifname → people on it right now. They follow the bell; the same second gives the same numbers."""
        people = self._people_in_range()
        weights = [(3 if bss.band == "5g" else 2) * (4 if self._is_main(bss) else 1) for bss in self.on_air]
        counts = [people * weight // sum(weights) for weight in weights]
        if counts:
            counts[-1] += people - sum(counts)
        return {bss.ifname: count for bss, count in zip(self.on_air, counts, strict=True)}

    def _is_main(self, bss: Bss) -> bool:
        return bss.ssid == self.active_ssids[bss.radio][0]

    def _people_in_range(self) -> int:
        local = self.local_now
        seats = SEATS[self.world.city.rooms[self.device.room].kind]
        key, seed = self.device.key, self.world.seed
        match self.world.city.site_by_key[self.device.site].bell.phase(local):
            case "lesson":
                hour = local.strftime("%F %H")
                if roll(100, seed, key, hour) < ROOM_IN_USE_PERCENT:
                    return seats // 2 + roll(seats // 2 + 1, seed, key, hour, "seats")
                return roll(3, seed, key, hour)
            case "break":
                return roll(seats // 3 + 1, seed, key, local.strftime("%F %H:%M"))
            case "afternoon":
                return roll(seats // 8 + 1, seed, key, local.strftime("%F %H"))
            case "night":
                return 0

    # --- what can be done to it ---------------------------------------------------------------------------------------

    def reload(self, service: str) -> None:
        """Makes the running state of a service (`wireless`, `snmpd`, `system`) follow its committed file."""
        if service == "wireless":
            self.reload_wifi()
        elif service == "snmpd":
            self._snmpd = _snmpd(self._config("snmpd"), self.device)
        elif service == "system":
            self._hostname = _hostname(self._config("system")) or self.device.key

    def reload_wifi(self) -> None:
        """What `wifi reload` does. Under the fault *config does not take* it succeeds and changes nothing."""
        if not self.faults.config_does_not_take:
            self.on_air = bss_of(self._config("wireless"))

    def reboot(self, down_s: float = BOOT_S) -> None:
        super().reboot(down_s)
        self._load_all()

    def _load_all(self) -> None:
        for service in ("system", "snmpd", "wireless"):
            self.reload(service)

    def _config(self, name: str) -> list[uci.Section]:
        """What the service reads; a file it cannot parse is, for it, an empty one."""
        try:
            return list(uci.parse(self.files.get(posixpath.join("/etc/config", name), "")))
        except uci.UciError:
            return []

    def snapshot(self) -> dict[str, Any]:
        return super().snapshot() | {"files": self.files, "on_air": [asdict(bss) for bss in self.on_air]}

    def restore(self, kept: dict[str, Any]) -> None:
        super().restore(kept)
        self.files.clear()
        self.files.update(kept["files"])
        self._load_all()
        self.on_air = tuple(Bss(**bss) for bss in kept["on_air"])


def bss_of(sections: list[uci.Section]) -> tuple[Bss, ...]:
    """What a committed /etc/config/wireless puts on air, with the names and order the kernel would give them."""
    radios = [section for section in sections if section.type == "wifi-device" and not _true(section, "disabled")]
    names = [section.name for section in sections if section.type == "wifi-device"]
    result = []
    for radio in radios:
        number = names.index(radio.name)
        ifaces = [section for section in sections if _on(section, radio.name)]
        for slot, iface in enumerate(ifaces[:SLOTS_PER_RADIO]):
            result.append(_bss(radio, number, slot, iface))
    return tuple(result)


def _on(section: uci.Section, radio: str | None) -> bool:
    """An access-point interface of that radio that is meant to be on air."""
    return (
        section.type == "wifi-iface"
        and _text(section, "device") == radio
        and _text(section, "mode") in ("", "ap")
        and _text(section, "ssid") != ""
        and not _true(section, "disabled")
    )


def _bss(radio: uci.Section, number: int, slot: int, iface: uci.Section) -> Bss:
    band = _text(radio, "band") or ("2g" if number == 0 else "5g")
    channel = _text(radio, "channel")
    return Bss(
        radio=radio.name or f"radio{number}",
        ifname=f"wlan{number}" if slot == 0 else f"wlan{number}-{slot}",
        ifIndex=FIRST_WLAN_INDEX + number * SLOTS_PER_RADIO + slot,
        ssid=_text(iface, "ssid"),
        channel=int(channel) if channel.isdecimal() else (1 if band == "2g" else 36),
        band=band,
    )


def _snmpd(sections: list[uci.Section], device: Device) -> SnmpdConfig:
    system = next((section for section in sections if section.type == "system"), None)
    return SnmpdConfig(
        tuple(_text(section, "community") for section in sections if section.type == "com2sec"),
        _text(system, "sysLocation") if system else device.room,
        _text(system, "sysContact") if system else "",
    )


def _hostname(sections: list[uci.Section]) -> str:
    return next((_text(section, "hostname") for section in sections if section.type == "system"), "")


def _text(section: uci.Section, option: str) -> str:
    value = section.options.get(option, "")
    return value if isinstance(value, str) else " ".join(value)


def _true(section: uci.Section, option: str) -> bool:
    return _text(section, option) in ("1", "on", "true", "yes", "enabled")
