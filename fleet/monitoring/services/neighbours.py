"""What hangs on what, as far as judging needs it."""

from collections import defaultdict
from collections.abc import Collection

from django.db.models import Exists, OuterRef

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
    """Who should be asked at once: what a silent device hangs on, and the silent ones behind one that came back.

    What cannot be asked, as a switch without SNMP, is passed over: whoever stands beyond it is asked in its place.
    """
    above = _nearest_polled(fell_silent, "device", "port__device")
    below = _nearest_polled(came_back, "port__device", "device")
    silent = Health.objects.silent().filter(pk__in=below) if below else Health.objects.none()
    return (above - fell_silent) | set(silent.values_list("pk", flat=True))


def _nearest_polled(device_ids: Collection[int], one_end: str, other_end: str) -> set[int]:
    """Along the cables. A query for each level that is not all polled, and none where there is no device."""
    found: set[int] = set()
    seen, level = set(device_ids), set(device_ids)
    while level:
        polled = Exists(Device.objects.polled().filter(pk=OuterRef(other_end)))
        cables = Uplink.objects.filter(**{f"{one_end}__in": level}).values_list(f"{other_end}_id", polled)
        beyond = dict(cables)
        found |= {device for device, asked in beyond.items() if asked}
        level = {device for device, asked in beyond.items() if not asked} - seen
        seen |= level
    return found
