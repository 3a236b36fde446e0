"""What the machine says about itself."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from fleet.lab.ssh.shell.applets.registry import applet, options
from fleet.lab.ssh.shell.call import Call

_KERNEL = "6.6.73"
_DF = """Filesystem           1K-blocks      Used Available Use% Mounted on
overlayfs:/overlay       16384       512     15872   3% /
"""


@applet("id", "whoami")
async def id_(call: Call) -> int:
    found, _rest = options(call.args, "unGgr")
    name, plain = ("root", "0") if call.name == "id" else ("root", "root")
    if "n" in found or call.name == "whoami":
        plain = name
    await call.out(f"{plain}\n" if found or call.name == "whoami" else "uid=0(root) gid=0(root) groups=0(root)\n")
    return 0


@applet("uname")
async def uname(call: Call) -> int:
    found, _rest = options(call.args, "asnrvmpio")
    facts = {"s": "Linux", "n": call.machine.device.hostname, "r": _KERNEL, "v": "#0 SMP", "m": "aarch64"}
    wanted = "snrvm" if "a" in found else "".join(key for key in "snrvm" if key in found) or "s"
    await call.out(" ".join(facts[key] for key in wanted) + (" GNU/Linux\n" if "a" in found else "\n"))
    return 0


@applet("hostname")
async def hostname(call: Call) -> int:
    await call.out(call.machine.device.hostname + "\n")
    return 0


@applet("uptime")
async def uptime(call: Call) -> int:
    minutes = int(call.machine.device.uptime_s) // 60
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    lead = f"{days} days, " if days else ""
    await call.out(f" {datetime.now(UTC):%H:%M:%S} up {lead}{hours:2d}:{rest:02d},  load average: 0.08, 0.03, 0.01\n")
    return 0


@applet("date")
async def date(call: Call) -> int:
    _found, rest = options(call.args, "uRI", "ds")
    form = rest[0][1:] if rest and rest[0].startswith("+") else "%a %b %e %H:%M:%S UTC %Y"
    await call.out(re.sub(r"%[a-zA-Z%]", _clock, form) + "\n")
    return 0


def _clock(match: re.Match[str]) -> str:
    known = "aAbBcdDeFHIjmMnpRsStTuwyYzZ%"
    return datetime.now(UTC).strftime(match[0]) if match[0][1] in known else match[0]


@applet("logger")
async def logger(call: Call) -> int:
    found, words = options(call.args, "s", "tp")
    call.machine.note(found.get("t", "root"), " ".join(words) or await call.streams.stdin.rest())
    return 0


@applet("logread")
async def logread(call: Call) -> int:
    found, _rest = options(call.args, "t", "le")
    lines = [line for line in call.machine.log if found.get("e", "") in line]
    count = int(found["l"]) if found.get("l", "").isdecimal() else len(lines)
    await call.out("".join(lines[-count:] if count else []))
    return 0


@applet("dmesg", "clear")
async def silent(_call: Call) -> int:
    return 0


@applet("free", "df")
async def sizes(call: Call) -> int:
    if call.name == "free":
        await call.out("              total        used        free\nMem:         248320       61440      186880\n")
    else:
        await call.out(_DF)
    return 0
