"""Ansible's view of devices: groups per platform and per site, and how each host is reached.

Every text that comes from data (addresses, user names, device names) is marked unsafe, so that Ansible never looks for a
template in it: `{{ lookup('pipe', …) }}` in a device's name stays a name.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from fleet.automation.logins import fill_in, login
from fleet.automation.rules.platforms import USERS
from fleet.devices.models import Device, Interface

PORTED = ("labswitch", "ios", "aos-cx", "procurve")
"""Platforms whose playbooks need to know what a port is called."""


def host_name(device: Device) -> str:
    """The inventory name: made of the number alone, so that nothing typed becomes a pattern or a path."""
    return f"device-{device.pk}"


def platform_group(platform: str) -> str:
    """The group of a platform: `aos_cx` for aos-cx, as Ansible takes no hyphen in a group's name."""
    return platform.replace("-", "_")


def unsafe(value: Any) -> Any:
    """Ansible's JSON form of text that must never be templated; anything else stays what it is."""
    if isinstance(value, dict):
        return {key: unsafe(item) for key, item in value.items()}
    return {"__ansible_unsafe": value} if isinstance(value, str) else value


def plain(value: Any) -> Any:
    """What `unsafe` was made of."""
    if not isinstance(value, dict):
        return value
    return value["__ansible_unsafe"] if "__ansible_unsafe" in value else {key: plain(item) for key, item in value.items()}


def build(devices: Iterable[Device]) -> dict[str, Any]:
    """The JSON of a dynamic inventory: {group: {hosts: […]}, _meta: {hostvars: {host: {…}}}}. No secrets."""
    groups: dict[str, dict[str, Any]] = {"all": {"children": []}}
    hostvars: dict[str, dict[str, Any]] = {}
    devices = list(devices)
    ports = _ports(devices)
    for device in devices:
        name = host_name(device)
        hostvars[name] = _variables(device, ports.get(device.pk))
        for group in (platform_group(device.type.platform), f"site_{device.site_id}"):
            groups.setdefault(group, {"hosts": []})["hosts"].append(name)
    groups["all"]["children"] = sorted(group for group in groups if group != "all")
    return {**groups, "_meta": {"hostvars": hostvars}}


def _ports(devices: list[Device]) -> dict[int, dict[str, str]]:
    """Device → ifIndex → ifName of the switches among them: `10103` is called `Gi1/0/3` there."""
    switches = [device.pk for device in devices if device.type.platform in PORTED]
    found: dict[int, dict[str, str]] = {}
    for some in batched(switches, 500):
        rows = Interface.objects.filter(device_id__in=some, if_index__isnull=False)
        for device_id, if_index, name in rows.values_list("device_id", "if_index", "name"):
            found.setdefault(device_id, {})[str(if_index)] = name
    return found


def batched(values: list[int], size: int) -> Iterator[list[int]]:
    for at in range(0, len(values), size):
        yield values[at : at + size]


def _variables(device: Device, ports: dict[str, str] | None) -> dict[str, Any]:
    way_in = login(device)
    variables: dict[str, Any] = {
        "ansible_host": device.address,
        "ansible_port": device.ssh_port,
        "ansible_user": way_in.username if way_in else USERS.get(device.type.platform, "root"),
        "fleetdesk_device_id": device.pk,
        "fleetdesk_device_name": device.name,
    }
    if ports:
        variables["fleetdesk_ports"] = ports
    return {name: unsafe(value) for name, value in variables.items()}


def manageable(devices: Iterable[Device]) -> list[Device]:
    """Those that a playbook can be run on: a platform we configure, an address and a login."""
    known = list(devices)
    fill_in(known)
    return [device for device in known if device.type.platform and device.address and device.ssh_credential_id]
