"""What makes it an OpenWrt: ``uci``, ``wifi``, services, ``ubus``, ``reboot``."""

from __future__ import annotations

import json
import posixpath

from fleet.lab.ssh import uci
from fleet.lab.ssh.shell.applets.registry import applet, number, options
from fleet.lab.ssh.shell.call import Call

_SERVICES = {"network": ("wireless",), "wpad": ("wireless",), "system": ("system",), "snmpd": ("snmpd",)}
_KNOWN = frozenset({
    *("boot", "cron", "dnsmasq", "dropbear", "firewall", "log", "network", "odhcpd", "rpcd", "snmpd", "sysntpd"),
    *("system", "uhttpd", "wpad"),
})  # fmt: skip
_ACTS = ("start", "restart", "reload")
_QUIET_ACTS = ("stop", "enable", "disable", "enabled", "running", "status")


@applet("uci")
async def uci_(call: Call) -> int:
    stdin = await call.streams.stdin.rest() if uci.needs_stdin(call.args) else ""
    outcome = uci.run(call.files.entries, call.args, stdin)
    await call.out(outcome.out)
    await call.streams.err.write(outcome.err)
    return outcome.status


@applet("wifi")
async def wifi(call: Call) -> int:
    match call.args[:1]:
        case [] | ["reload"] | ["up"] | ["reconf"] | ["reload_legacy"]:
            call.machine.device.reload("wireless")
            call.machine.note("wifi", "radios follow /etc/config/wireless")
            return 0
        case ["status"]:
            await call.out(json.dumps(_radios(call), indent="\t") + "\n")
            return 0
        case ["config"] | ["detect"] | ["down"]:
            return 0
        case _:
            await call.out("Usage: /sbin/wifi [config|up|down|reconf|reload|status|isup]\n")
            return 1


def _radios(call: Call) -> dict[str, object]:
    sections = uci.parse(call.files.entries.get("/etc/config/wireless", ""))
    ifaces = [section for section in sections if section.type == "wifi-iface"]
    return {
        radio.name: {
            "up": radio.options.get("disabled", "0") != "1",
            "config": radio.options,
            "interfaces": [
                {"section": iface.name, "config": {key: value for key, value in iface.options.items() if key != "key"}}
                for iface in ifaces
                if iface.options.get("device") == radio.name
            ],
        }
        for radio in sections
        if radio.type == "wifi-device"
    }


@applet("service")
async def service(call: Call) -> int:
    """``/etc/init.d/NAME ACT`` and ``service NAME ACT``."""
    words = call.args if call.name == "service" else [posixpath.basename(call.name), *call.args]
    name, act = (*words, "", "")[:2]
    if name not in _KNOWN and call.path(f"/etc/init.d/{name}") not in call.files.entries:
        return await call.fail(f"/etc/init.d/{name}: not found", 127)
    if act in _ACTS:
        for config in _SERVICES.get(name, ()):
            call.machine.device.reload(config)
        return 0
    return 0 if act in _QUIET_ACTS else await call.fail(f"Syntax: /etc/init.d/{name} [command]")


@applet("reload_config")
async def reload_config(call: Call) -> int:
    for config in ("system", "snmpd", "wireless"):
        call.machine.device.reload(config)
    return 0


@applet("reboot", "poweroff", "halt")
async def reboot(call: Call) -> int:
    found, _rest = options(call.args, "nf", "d")
    call.machine.reboot_soon(float(number(found.get("d", "0"))))
    return 0


@applet("ubus")
async def ubus(call: Call) -> int:
    match [word for word in call.args if word != "-S"]:
        case ["call", "system", "board", *_]:
            answer = _board(call)
        case ["call", "system", "info", *_]:
            answer = {"uptime": int(call.machine.device.uptime_s), "load": [5242, 1966, 655]}
        case ["call", "network.wireless", "status", *_]:
            answer = _radios(call)
        case ["list"]:
            await call.out("network.wireless\nsystem\n")
            return 0
        case _:
            await call.streams.err.write("Command failed: Not found\n")
            return 4
    await call.out(json.dumps(answer, indent=None if "-S" in call.args else "\t") + "\n")
    return 0


def _board(call: Call) -> dict[str, object]:
    facts = call.machine.device.device
    return {
        "kernel": "6.6.73",
        "hostname": call.machine.device.hostname,
        "system": "ARMv8 Processor rev 4",
        "model": facts.model,
        "board_name": facts.model.lower().replace(" ", ","),
        "release": {
            "distribution": "OpenWrt",
            "version": facts.firmware.rpartition(" ")[2],
            "target": "mediatek/filogic",
            "description": facts.firmware,
        },
    }
