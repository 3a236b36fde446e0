"""Devices on which nothing was done when they were to be taken back: tried again ever more seldom, or when they are back."""

from collections import defaultdict
from datetime import datetime

from django.db.models import BooleanField, ExpressionWrapper, Q

from fleet.automation.models import Change, HostResult, Run
from fleet.automation.rules.boxes import next_try
from fleet.monitoring.models import Health

NO_ROOM = "disk-full-before"
"""The problem of a run without room for its files; what else keeps a run from beginning does not pass by itself."""
NOT_REACHED = Q(state__in=[HostResult.State.OFFLINE, HostResult.State.UNREACHABLE]) | Q(
    state=HostResult.State.NOT_STARTED, run__problem=NO_ROOM
)
"""Of host results: nothing was done there for a reason that passes, so it is no failure: another turn."""


def not_reached(run: Run) -> set[int]:
    """Ids of its devices that have another turn."""
    return set(run.hosts.filter(NOT_REACHED).values_list("device_id", flat=True))


def resting(change: Change, since: datetime, now: datetime) -> set[int]:
    """Ids of those whose last tries since `since` did not reach them and whose next turn has not come. Two queries.

    Who answered neither SNMP nor SSH has a turn as soon as it is heard of. Of one that only Ansible did not get into or
    where nothing could be begun, SNMP tells nothing new: it has its turn when its pause is over.
    """
    failed = _failed(change, since)
    silent = [pk for pk, tries in failed.items() if tries[-1][0] == HostResult.State.OFFLINE]
    heard = dict(Health.objects.filter(device_id__in=silent).values_list("device_id", "answered_at"))
    found = set()
    for pk, tries in failed.items():
        last = tries[-1][1]
        answered = heard.get(pk)
        if next_try(len(tries), last) > now and not (answered and answered > last):
            found.add(pk)
    return found


def _failed(change: Change, since: datetime) -> dict[int, list[tuple[str, datetime]]]:
    """{device: (state, when it ended) of its last tries in a row that did not reach it}"""
    rows = HostResult.objects.filter(run__change=change, run__kind=Run.Kind.REVERT, run__queued_at__gte=since)
    ended = (
        rows.filter(run__started_at__isnull=False)
        .order_by("run_id")
        .annotate(missed=ExpressionWrapper(NOT_REACHED, BooleanField()))
    )
    found: dict[int, list[tuple[str, datetime]]] = defaultdict(list)
    for pk, state, at, missed in ended.values_list("device_id", "state", "run__finished_at", "missed"):
        if at is not None and missed:
            found[pk].append((state, at))
        else:
            found.pop(pk, None)
    return found
