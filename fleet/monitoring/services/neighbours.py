"""What hangs on what, as far as judging needs it."""

from collections import defaultdict
from collections.abc import Collection

from fleet.devices.models import Device, Uplink
from fleet.monitoring.models import Health
from fleet.monitoring.rules import causes


def parents(site_ids: Collection[int]) -> dict[int, frozenset[int]]:
    """{device: the devices that it hangs on}, of everything in service at these sites.

    An access point that only its controller tells of, and of whose cable nobody knows, hangs on the controller.
    """
    found: defaultdict[int, set[int]] = defaultdict(set)
    cables = Uplink.objects.filter(
        device__site__in=site_ids,
        device__lifecycle=Device.Lifecycle.ACTIVE,
        port__device__lifecycle=Device.Lifecycle.ACTIVE,
    )
    for device, parent in cables.values_list("device_id", "port__device_id"):
        found[device].add(parent)
    listed = Device.objects.listed().filter(site__in=site_ids).exclude(pk__in=found)
    told_by = {device: {controller} for device, controller in listed.values_list("pk", "controller_id")}
    return {device: frozenset(above) for device, above in {**told_by, **found}.items()}


def behind(device_ids: Collection[int]) -> dict[int, list[Device]]:
    """{device: what is cut off when it fails, nearest first}. What has another way up is not among it."""
    sites = Device.objects.filter(pk__in=device_ids).values("site")
    cables = parents([row["site"] for row in sites.distinct()])
    order = {device: causes.behind(device, cables) for device in device_ids}
    rows = Device.objects.in_bulk({below for devices in order.values() for below in devices})
    return {device: [rows[below] for below in devices] for device, devices in order.items()}


def ask_neighbours(*, fell_silent: set[int], came_back: set[int]) -> set[int]:
    """Who should be asked at once: what a silent device hangs on, and the silent ones behind one that came back."""
    soon: set[int] = set()
    if fell_silent:
        above = Uplink.objects.filter(device_id__in=fell_silent).values_list("port__device_id", flat=True)
        soon |= set(above) - fell_silent
    if came_back:
        below = Uplink.objects.filter(port__device_id__in=came_back).values("device_id")
        soon |= set(Health.objects.silent().filter(pk__in=below).values_list("pk", flat=True))
    return soon
