"""Which device goes out in which ring and step, written once when a change is asked for."""

from collections.abc import Sequence
from dataclasses import replace

from fleet.automation.catalogue import Playbook
from fleet.automation.models import Change, Ring, Target
from fleet.automation.rules.rollout import Placed, Plan, Strategy, plan
from fleet.devices.models import Device, Uplink

BATCH = 500


def placed(devices: Sequence[Device]) -> list[Placed]:
    """Where each stands. One query besides the devices' rooms, which are to be selected with them."""
    switches = dict(
        Uplink.objects.filter(device__in=[device.pk for device in devices])
        .order_by("-pk")
        .values_list("device_id", "port__device_id")
    )
    return [
        Placed(
            device_id=device.pk,
            site_id=device.site_id,
            building_id=device.room.building_id if device.room else None,
            room_id=device.room_id,
            switch_id=switches.get(device.pk),
            kind=device.kind,
        )
        for device in devices
    ]


def planned(devices: Sequence[Device], strategy: Strategy) -> Plan:
    return plan(placed(devices), strategy)


def limited(strategy: Strategy, playbook: Playbook) -> Strategy:
    """With the playbook's own limit of devices at once, where it has one."""
    most = getattr(playbook, "max_per_step", None)
    return replace(strategy, max_per_step=min(most, strategy.max_per_step)) if most else strategy


def arrange(change: Change, found: Plan) -> None:
    """Write rings and targets."""
    rings = Ring.objects.bulk_create(
        Ring(change=change, number=number, title=ring.title) for number, ring in enumerate(found.rings, 1)
    )
    Target.objects.bulk_create(
        (
            Target(change=change, device_id=pk, ring=ring, step=number)
            for ring, part in zip(rings, found.rings, strict=True)
            for number, step in enumerate(part.steps, 1)
            for pk in step
        ),
        batch_size=BATCH,
    )


def strategy_of(change: Change) -> Strategy:
    return Strategy.from_json(change.strategy)


def rings_of(change: Change) -> list[Ring]:
    """The change's rings in order; one of one step for a change that was written without any."""
    rings = list(change.rings.order_by("number"))
    if not rings:
        rings = [Ring.objects.create(change=change, number=1, title=Ring.Title.ALL)]
    loose = change.targets.filter(ring__isnull=True)
    if len(rings) == 1:
        loose.update(ring=rings[0])
    return rings
