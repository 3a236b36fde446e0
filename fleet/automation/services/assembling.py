"""What the child that runs Ansible is handed: hosts, ways in, limits. Nothing of it is written to disk in clear."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from fleet.automation.catalogue import Playbook
from fleet.automation.execution.order import RunOrder
from fleet.automation.inventory import build, host_name, plain, platform_group
from fleet.automation.logins import Keyring, Login, login
from fleet.devices.models import Device

FORKS_PER_CORE = 12
SSH_PORT = 22


@dataclass(frozen=True)
class Play:
    """A playbook on devices that have their type and login selected."""

    playbook: Playbook
    devices: Sequence[Device]
    folder: Path
    lease_s: float
    check: bool
    arguments: dict[str, Any] = field(default_factory=dict)
    secrets: Sequence[str] = ()
    """Values to be masked wherever they show, besides those of the ways in."""
    run_id: int = 0
    own: Mapping[int, dict[str, Any]] = field(default_factory=dict)
    """{device id: variables of this device alone}"""


def forks(devices: int) -> int:
    """How many of so many devices Ansible works on at once."""
    return max(1, min(devices, FORKS_PER_CORE * (os.cpu_count() or 1)))


def order(play: Play) -> RunOrder:
    variables = build(play.devices)["_meta"]["hostvars"]
    hosts = {}
    ring = Keyring(play.devices, lasts_s=play.playbook.timeout_s + settings.RUN_GRACE_S, run_id=play.run_id)
    for device in play.devices:
        way_in = login(device)
        hosts[host_name(device)] = {
            "groups": [platform_group(device.type.platform)],
            "vars": plain(variables[host_name(device)])
            | _passwords(way_in)
            | ring.variables(device)
            | play.own.get(device.pk, {}),
            "key": ring.key(device, way_in),
            "known_host": _known_host(device),
        }
    return RunOrder(
        private_dir=str(play.folder),
        playbook=str(play.playbook.path),
        group_vars=str(Path(settings.INVENTORY_DIR) / "group_vars"),
        hosts=hosts,
        keys=ring.keys,
        certificates=ring.certificates,
        vault_passwords=ring.vault_passwords,
        arguments=play.arguments,
        secrets=[*play.secrets, *ring.secrets],
        check=play.check,
        timeout_s=play.playbook.timeout_s,
        lease_s=play.lease_s,
        forks=forks(len(hosts)),
        grace_s=settings.RUN_GRACE_S,
        environment={"ANSIBLE_CONFIG": str(settings.BASE_DIR / "ansible.cfg")},
        sandbox=settings.RUN_SANDBOX,
        readable=(str(settings.BASE_DIR / "ansible.cfg"), str(settings.BASE_DIR / "playbooks" / "collections")),
    )


def _passwords(way_in: Login | None) -> dict[str, str]:
    given = {"ansible_password": way_in.password, "enable_secret": way_in.enable} if way_in else {}
    return {name: secret.reveal() for name, secret in given.items() if secret}


def _known_host(device: Device) -> str:
    """A line of known_hosts (sshd(8)): the port is written only where it is not 22."""
    host = device.address if device.ssh_port == SSH_PORT else f"[{device.address}]:{device.ssh_port}"
    return " ".join([str(host), *device.ssh_host_key.split()[:2]]) if device.ssh_host_key else ""
