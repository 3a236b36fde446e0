"""Runs a script in the lab's shell on a device that is nothing but files."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fleet.lab.ssh.shell import Capture, Limits, Machine, Shell, TextInput
from fleet.lab.ssh.shell.applets import APPLETS
from fleet.lab.ssh.shell.process import Budget, Streams


@dataclass(frozen=True)
class Facts:
    key: str = "ap-204"
    address: str = "127.40.1.4"
    platform: str = "openwrt"
    ssh_user: str | None = "root"
    model: str = "Lab AP 2"
    firmware: str = "OpenWrt 24.10.2"
    serial: str = "LAB0001"


@dataclass
class Device:
    """An access point without a world around it; it remembers what was done to it."""

    files: dict[str, str] = field(default_factory=dict)
    device: Facts = field(default_factory=Facts)
    hostname: str = "ap-204"
    reachable: bool = True
    ssh_delay: float = 0.0
    booted_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    uptime_s: float = 4711.25
    done: list[str] = field(default_factory=list)
    when_rebooted: Callable[[], None] = lambda: None

    def reload(self, service: str) -> None:
        self.done.append(f"reload {service}")

    def reboot(self) -> None:
        self.done.append("reboot")
        self.when_rebooted()


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str


def machine(files: dict[str, str] | None = None, **limits: int) -> Machine:
    return Machine(Device(files if files is not None else {}), Limits(**limits), reboot_delay_s=0.0)


def done(where: Machine) -> list[str]:
    """What was done to its device."""
    assert isinstance(where.device, Device)
    return where.device.done


async def run(script: str, on: Machine | None = None, *, stdin: str = "", cwd: str = "/root") -> Ran:
    where = on or machine()
    out, err = Capture(where.limits.output), Capture(where.limits.output)
    variables = {"HOME": "/root", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    shell = Shell(where, APPLETS, Budget(where.limits.steps), variables=variables, exported=set(variables), cwd=cwd)
    status = await shell.script(script, Streams(TextInput(stdin), {1: out, 2: err}))
    return Ran(status, out.text, err.text)
