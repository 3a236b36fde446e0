"""Ansible's view of devices: groups per platform and per site, and how each host is reached.

Every text that comes from data (addresses, user names, device names) is marked unsafe, so that Ansible never looks for a
template in it: `{{ lookup('pipe', …) }}` in a device's name stays a name.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fleet.devices.models import Credential, Device
from fleet.secrets.types import Secret

USERS = {"openwrt": "root", "labswitch": "admin"}


@dataclass(frozen=True)
class Login:
    """How Ansible logs in to one device."""

    username: str
    private_key: Secret | None = None
    password: Secret | None = None

    def secrets(self) -> list[Secret]:
        return [secret for secret in (self.private_key, self.password) if secret]


def login(device: Device) -> Login | None:
    credential = device.ssh_credential
    if credential is None:
        return None
    values = credential.secret
    username = values.get("username") or USERS.get(device.type.platform, "root")
    if credential.kind == Credential.Kind.SSH_KEY:
        return Login(username, private_key=Secret(values["private_key"]))
    return Login(username, password=Secret(values["password"]))


def host_name(device: Device) -> str:
    """The inventory name: made of the number alone, so that nothing typed becomes a pattern or a path."""
    return f"device-{device.pk}"


def unsafe(value: Any) -> Any:
    """Ansible's JSON form of text that must never be templated; anything else stays what it is."""
    return {"__ansible_unsafe": value} if isinstance(value, str) else value


def build(devices: Iterable[Device]) -> dict[str, Any]:
    """The JSON of a dynamic inventory: {group: {hosts: […]}, _meta: {hostvars: {host: {…}}}}. No secrets."""
    groups: dict[str, dict[str, Any]] = {"all": {"children": []}}
    hostvars: dict[str, dict[str, Any]] = {}
    for device in devices:
        name = host_name(device)
        hostvars[name] = _variables(device)
        for group in (device.type.platform, f"site_{device.site_id}"):
            groups.setdefault(group, {"hosts": []})["hosts"].append(name)
    groups["all"]["children"] = sorted(group for group in groups if group != "all")
    return {**groups, "_meta": {"hostvars": hostvars}}


def _variables(device: Device) -> dict[str, Any]:
    way_in = login(device)
    variables = {
        "ansible_host": device.address,
        "ansible_port": device.ssh_port,
        "ansible_user": way_in.username if way_in else USERS.get(device.type.platform, "root"),
        "fleetdesk_device_id": device.pk,
        "fleetdesk_device_name": device.name,
    }
    return {name: unsafe(value) for name, value in variables.items()}


def manageable(devices: Iterable[Device]) -> list[Device]:
    """Those that a playbook can be run on: a platform we configure, an address and a login."""
    return [device for device in devices if device.type.platform and device.address and device.ssh_credential_id]
