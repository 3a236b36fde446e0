"""What becomes of a device when a change is taken away from it: its inverse, or what another change still wants there."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Q

from fleet.automation.catalogue import CatalogueError, get
from fleet.automation.catalogue.model import Playbook
from fleet.automation.models import Change, HostResult, Run
from fleet.automation.rules import boxes as rules
from fleet.automation.rules.boxes import Act, Box, Ending

NEVER = datetime.min.replace(tzinfo=UTC)
LEFT_ALONE = (HostResult.State.UNREACHABLE, HostResult.State.OFFLINE, HostResult.State.NOT_STARTED)
"""Hosts on which nothing was done."""


def endings(change: Change, device_ids: Collection[int], now: datetime) -> dict[int, Ending]:
    """What to do on each device when `change` is to be gone from there."""
    try:
        playbook = get(change.playbook)
    except CatalogueError:  # taken away since: the run will say so
        return {pk: Ending(Act.TAKE_BACK) for pk in device_ids}
    if playbook.rollback and playbook.rollback.restore_backup:  # the whole device as it was: there is nothing to weigh
        return {pk: Ending(Act.TAKE_BACK) for pk in device_ids}
    mine, others = _applied(change, playbook, device_ids)
    nothing = _box(change, playbook, NEVER)
    return {pk: rules.ending(mine.get(pk, nothing), others.get(pk, ()), now) for pk in device_ids}


def _applied(change: Change, playbook: Playbook, device_ids: Collection[int]) -> tuple[dict[int, Box], dict[int, list[Box]]]:
    """({device: this change there}, {device: the others there}), as each was carried out there last."""
    under_way = Q(run__state=Run.State.RUNNING) | ~Q(state=HostResult.State.PENDING)
    rows = HostResult.objects.filter(
        under_way, run__kind=Run.Kind.APPLY, run__started_at__isnull=False, run__change__playbook=playbook.slug
    )
    rows = rows.filter(_wanted_or(change), device_id__in=device_ids).exclude(state__in=LEFT_ALONE)
    latest: dict[tuple[int, int], datetime] = {}
    for device, other, at in rows.values_list("device_id", "run__change_id", "run__started_at"):
        key = (device, other)
        if at is not None:
            latest[key] = max(at, latest.get(key, at))
    changes = Change.objects.in_bulk({other for _device, other in latest})
    mine: dict[int, Box] = {}
    others: dict[int, list[Box]] = {}
    for (device, other), at in latest.items():
        if other == change.pk:
            mine[device] = _box(changes[other], playbook, at)
        else:
            others.setdefault(device, []).append(_box(changes[other], playbook, at))
    return mine, {device: _standing(found, changes, playbook) for device, found in others.items()}


def _wanted_or(change: Change) -> Q:
    """This one, other boxes that are open, and what was done for good. What is being rolled back wants nothing any more."""
    boxed = Q(run__change__box=Change.Box.PENDING) & ~Q(run__change__state=Change.State.ROLLING_BACK)
    for_good = Q(run__change__box=Change.Box.NONE, run__change__state=Change.State.CONFIRMED)
    return Q(run__change=change) | boxed | for_good


def _standing(found: Iterable[Box], changes: Mapping[int, Change], playbook: Playbook) -> list[Box]:
    """Of what was done for good only the last counts, and not if that was the taking back itself."""
    boxed = [one for one in found if one.ends_at is not None]
    last: dict[str, Box] = {}
    for one in sorted((one for one in found if one.ends_at is None), key=lambda one: one.applied_at):
        last[one.subject] = one
    kept = [one for one in last.values() if not rules.undoes(playbook, changes[one.change].arguments)]
    return boxed + kept


def _box(change: Change, playbook: Playbook, at: datetime) -> Box:
    subject, values = rules.parted(playbook, {**change.arguments, **(change.secret_arguments or {})})
    return Box(change.pk, subject, values, at, change.ends_at)


@dataclass(frozen=True)
class Group:
    device_ids: list[int]
    other: int | None = None


def next_group(endings: Mapping[int, Ending]) -> Group | None:
    """A run has one set of arguments: first those where nobody wants it any more, then those of one other change."""
    gone = [pk for pk, one in endings.items() if one.act == Act.TAKE_BACK]
    if gone:
        return Group(gone)
    restored = [(one.other, pk) for pk, one in endings.items() if one.act == Act.RESTORE]
    if not restored:
        return None
    first = min(other for other, _pk in restored if other is not None)
    return Group([pk for other, pk in restored if other == first], first)
