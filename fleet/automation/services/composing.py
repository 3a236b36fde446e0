"""What becomes of a device when a change is taken away from it: its inverse, or what another change still wants there."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q

from fleet.automation.catalogue import CatalogueError, all_playbooks, get
from fleet.automation.catalogue.model import Playbook
from fleet.automation.models import Change, HostResult, Run, Target
from fleet.automation.rules import boxes as rules
from fleet.automation.rules.boxes import Act, Adjustment, Box, Ending

NEVER = datetime.min.replace(tzinfo=UTC)
LEFT_ALONE = (HostResult.State.UNREACHABLE, HostResult.State.OFFLINE, HostResult.State.NOT_STARTED)
"""Hosts on which nothing was done."""
DONE = (HostResult.State.OK, HostResult.State.CHANGED)


def endings(change: Change, device_ids: Collection[int], now: datetime) -> dict[int, Ending]:
    """What to do on each device when `change` is to be gone from there."""
    try:
        playbook = get(change.playbook)
    except CatalogueError:  # taken away since: the run will say so
        return {pk: Ending(Act.TAKE_BACK) for pk in device_ids}
    if playbook.rollback and playbook.rollback.restore_backup:  # the whole device as it was: there is nothing to weigh
        return {pk: Ending(Act.TAKE_BACK) for pk in device_ids}
    applied = _applied(_wanted_or(change), playbook, device_ids)
    changes = Change.objects.in_bulk({other for found in applied.values() for other in found})
    nothing = _box(change, playbook, NEVER, ())
    found = {}
    for pk in device_ids:
        boxes = _boxes(playbook, changes, applied.get(pk, {}))
        mine = boxes.pop(change.pk, nothing)
        found[pk] = rules.ending(mine, _standing(boxes.values(), changes, playbook), now)
    return found


def _applied(which: Q, playbook: Playbook, device_ids: Collection[int]) -> dict[int, dict[int, datetime]]:
    """{device: {change: when it was carried out there last}}: of this playbook, and what adjusts it."""
    slugs = [playbook.slug, *(one.slug for one in all_playbooks() if rules.may_adjust(one, playbook))]
    under_way = Q(run__state=Run.State.RUNNING) | ~Q(state=HostResult.State.PENDING)
    rows = HostResult.objects.filter(
        under_way, run__kind=Run.Kind.APPLY, run__started_at__isnull=False, run__change__playbook__in=slugs
    )
    rows = rows.filter(which, device_id__in=device_ids).exclude(state__in=LEFT_ALONE)
    found: dict[int, dict[int, datetime]] = defaultdict(dict)
    for device, other, at in rows.values_list("device_id", "run__change_id", "run__started_at"):
        if at is not None:
            found[device][other] = max(at, found[device].get(other, at))
    return found


def adjusted_by(change: Change, device_ids: Collection[int]) -> list[Change]:
    """What has set a part of `change` anew on these devices, on all of them the same; the last one last."""
    playbook = get(change.playbook)
    applied = next(iter(_applied(_wanted_or(change), playbook, device_ids).values()), {})
    changes = Change.objects.in_bulk(applied)
    box = _boxes(playbook, changes, applied).get(change.pk)
    return [changes[pk] for pk in box.adjusted_by] if box else []


def takes_away(playbook: Playbook, arguments: Mapping[str, Any], device_ids: Collection[int]) -> bool:
    """Whether such a change only takes away what nobody knows: taking that back would bring nothing.

    What was set up for good on each of these devices is known, and comes back at its end (`endings`).
    """
    if not rules.undoes(playbook, arguments):
        return False
    subject, _values = rules.parted(playbook, arguments)
    applied = _applied(_for_good(), playbook, device_ids)
    changes = Change.objects.in_bulk({pk for found in applied.values() for pk in found})
    standing = (_standing(_boxes(playbook, changes, applied.get(pk, {})).values(), changes, playbook) for pk in device_ids)
    return not all(any(one.subject == subject for one in found) for found in standing)


def _wanted_or(change: Change) -> Q:
    """This one, other boxes that are open, and what was done for good. What is being rolled back wants nothing any more."""
    wanted = Q(run__change__box=Change.Box.PENDING) & ~Q(run__change__state=Change.State.ROLLING_BACK)
    return Q(run__change=change) | wanted | _for_good()


def _for_good() -> Q:
    """What was done for good on the very device, whatever became of the others, and is not being rolled back.

    Where nobody could measure, what Ansible says counts: leaving it is the smaller harm.
    """
    target = Target.objects.filter(change=OuterRef("run__change"), device=OuterRef("device"))
    confirmed, unknown = (Exists(target.filter(state=state)) for state in (Target.State.CONFIRMED, Target.State.UNKNOWN))
    done = Q(confirmed) | Q(unknown, state__in=DONE)
    return done & Q(run__change__box=Change.Box.NONE) & ~Q(run__change__state=Change.State.ROLLING_BACK)


def _boxes(playbook: Playbook, changes: Mapping[int, Change], applied: Mapping[int, datetime]) -> dict[int, Box]:
    """{change: what it wants on one device, with what has adjusted it there since}"""
    whole = {pk: at for pk, at in applied.items() if changes[pk].playbook == playbook.slug}
    parts = [_adjustment(changes[pk], at) for pk, at in applied.items() if pk not in whole]
    return {pk: _box(changes[pk], playbook, at, parts) for pk, at in whole.items()}


def _standing(found: Iterable[Box], changes: Mapping[int, Change], playbook: Playbook) -> list[Box]:
    """Of what was done for good only the last counts, and not if that was the taking back itself."""
    every = list(found)
    boxed = [one for one in every if one.ends_at is not None]
    last: dict[str, Box] = {}
    for one in sorted((one for one in every if one.ends_at is None), key=lambda one: one.applied_at):
        last[one.subject] = one
    kept = [one for one in last.values() if not rules.undoes(playbook, changes[one.change].arguments)]
    return boxed + kept


def _box(change: Change, playbook: Playbook, at: datetime, parts: Iterable[Adjustment]) -> Box:
    subject, _values = rules.parted(playbook, given(change))
    since = rules.adjusting(subject, at, parts)
    arguments = given(change)
    for one in since:
        arguments |= one.arguments
    values = rules.parted(playbook, arguments)[1]
    return Box(change.pk, subject, values, at, change.ends_at, tuple(one.change for one in since))


def _adjustment(change: Change, at: datetime) -> Adjustment:
    arguments = given(change)
    return Adjustment(change.pk, rules.parted(get(change.playbook), arguments)[0], arguments, at)


def given(change: Change) -> dict[str, Any]:
    """All arguments of a change, secret ones too."""
    return {**change.arguments, **(change.secret_arguments or {})}


@dataclass(frozen=True)
class Group:
    device_ids: list[int]
    other: int | None = None


def next_group(endings: Mapping[int, Ending]) -> Group | None:
    """A run has one set of arguments: first those where nobody wants it any more, then those of one other change, as the
    same ones have adjusted it."""
    gone = [pk for pk, one in endings.items() if one.act == Act.TAKE_BACK]
    if gone:
        return Group(gone)
    restored = [one for one in endings.values() if one.act == Act.RESTORE and one.other is not None]
    if not restored:
        return None
    first = min(restored, key=lambda one: (one.other, one.adjusted_by))
    return Group([pk for pk, one in endings.items() if one == first], first.other)


def agreeing(endings: Mapping[int, Ending], act: Act, other: int | None) -> bool:
    """Whether one run that does `act` (in favour of `other`) is right on all of these devices."""
    return len(set(endings.values())) == 1 and all((one.act, one.other) == (act, other) for one in endings.values())
