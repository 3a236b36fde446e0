"""`manage.py lab`: the simulated school, and what is broken in it."""

import asyncio
from argparse import ArgumentParser
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from fleet.lab import faults
from fleet.lab.city import LabPorts, demo_city, large_city
from fleet.lab.server import Options, Ready, serve


class Command(BaseCommand):
    help = "Simulated devices on loopback: serve them, break them, heal them."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        serving = acts.add_parser("serve", help="answer SNMP and SSH until stopped")
        serving.add_argument("--devices", type=int, help="a large city of this many devices instead of the demo city")
        acts.add_parser("status", help="is the lab running, and what is broken in it")
        fault = acts.add_parser("fault", help="break something")
        fault.add_argument("kind", choices=faults.KINDS)
        fault.add_argument("target", help="a device key or a glob over keys, such as 'lindenhain-ap-*'")
        fault.add_argument("--value", type=float, help="slow: seconds; loss: share from 0 to 1")
        heal = acts.add_parser("heal", help="mend what was broken")
        heal.add_argument("target", nargs="?", default="*")

    def handle(self, *_args: Any, **options: Any) -> None:
        paths = lab_options()
        try:
            match options["act"]:
                case "serve":
                    self._serve(paths, options["devices"])
                case "status":
                    self._status(paths)
                case "fault":
                    self._fault(paths, options)
                case "heal":
                    self._heal(paths, options["target"])
        except (OSError, faults.FaultError) as error:
            raise CommandError(str(error)) from error

    def _serve(self, paths: Options, devices: int | None) -> None:
        asyncio.run(serve(large_city(devices) if devices else demo_city(), paths))

    def _status(self, paths: Options) -> None:
        ready = Ready.read(paths.ready)
        if ready is None:
            self.stdout.write("The lab is not running.")
        else:
            self.stdout.write(
                f"The lab is running (process {ready.pid}): {len(ready.devices)} devices, "
                f"SNMP on port {ready.ports.snmp}, SSH on port {ready.ports.ssh}."
            )
        self._list(faults.read(paths.faults))

    def _fault(self, paths: Options, options: dict[str, Any]) -> None:
        kind, target = options["kind"], options["target"]
        hit = [key for key in _keys(paths) if fnmatchcase(key, target)]
        if not hit:
            raise CommandError(f"No device matches {target!r}.")
        value = faults.DEFAULT_VALUES.get(kind, 0.0) if options["value"] is None else options["value"]
        paths.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._list(faults.add(paths.faults, faults.Fault(kind, target, value)))

    def _heal(self, paths: Options, target: str) -> None:
        paths.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._list(faults.heal(paths.faults, target))

    def _list(self, left: list[faults.Fault]) -> None:
        if not left:
            self.stdout.write("Nothing is broken.")
        for fault in left:
            value = f" {fault.value:g}" if fault.value else ""
            self.stdout.write(f"{fault.kind}{value}: {fault.target}")


def lab_options() -> Options:
    return Options(
        Path(settings.LAB_DIR),
        LabPorts(settings.LAB_SNMP_PORT, settings.LAB_SSH_PORT),
        (settings.TRAP_ADDRESS, settings.TRAP_PORT),
    )


def _keys(paths: Options) -> tuple[str, ...]:
    ready = Ready.read(paths.ready)
    return ready.devices if ready else tuple(device.key for device in demo_city().devices)
