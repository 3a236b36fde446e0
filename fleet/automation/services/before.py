"""Keeping what devices have before a change that is undone by putting that back."""

from collections.abc import Iterable, Mapping
from typing import Any

from fleet.automation.models import Backup, HostResult, Run
from fleet.automation.services import backups
from fleet.automation.services.attempt import puts_back, restores

UNTOUCHED = (HostResult.State.NOT_STARTED, HostResult.State.OFFLINE)


def keep_before(run: Run) -> set[int]:
    """Fetch the configuration of each device that is to be changed; ids of those of which it could not be kept.

    They are marked as failed and must not be touched. A repeated attempt keeps what stood there before the first one.
    """
    if run.kind != Run.Kind.APPLY or not puts_back(run):
        return set()
    rows = list(run.hosts.exclude(state=HostResult.State.OFFLINE))
    wanted = run.change.targets.filter(device__in=[row.device_id for row in rows], before__isnull=True)
    targets = {target.device_id: target for target in wanted}
    kept = backups.fetch(targets, backups.Why(Backup.Kind.BEFORE, run.change_id))
    for pk, backup in kept.items():
        targets[pk].before = backup
        targets[pk].save(update_fields=["before"])
    left = targets.keys() - kept.keys()
    return _leave_out((row for row in rows if row.device_id in left), HostResult.NOT_KEPT, backups.errors(left))


def changed_since(run: Run) -> set[int]:
    """Ids of devices whose old configuration must not be put back: what another change has done since would go with it.

    They are marked as failed and must not be touched.
    """
    if run.kind != Run.Kind.REVERT or restores(run) or not puts_back(run):
        return set()
    first = run.change.runs.filter(kind=Run.Kind.APPLY, started_at__isnull=False).order_by("started_at").first()
    later = HostResult.objects.exclude(run__change=run.change_id).exclude(run__kind=Run.Kind.PREVIEW)
    later = later.filter(run__started_at__gt=first.started_at) if first else later.none()
    touched = later.exclude(state__in=UNTOUCHED).exclude(problem=HostResult.NOT_KEPT).values("device")
    return _leave_out(run.hosts.filter(device__in=touched).exclude(state__in=UNTOUCHED), HostResult.CHANGED_SINCE)


def _leave_out(rows: Iterable[HostResult], problem: str, said: Mapping[int, str] | None = None) -> set[int]:
    left = list(rows)
    for row in left:
        row.state = HostResult.State.FAILED.value
        row.problem, row.message = problem, (said or {}).get(row.device_id, "")
        row.save(update_fields=["state", "problem", "message"])
    return {row.device_id for row in left}


def own_variables(run: Run) -> dict[int, dict[str, Any]]:
    """{device id: what the playbook is given for this device alone}; when taking back, what it had before."""
    if run.kind != Run.Kind.REVERT or not puts_back(run):
        return {}
    mine = run.change.targets.filter(device__in=run.hosts.values("device"), before__isnull=False)
    return {
        target.device_id: {"backup": target.before.pk, "fleetdesk_configuration": backups.text_of(target.before)}
        for target in mine.select_related("before__configuration")
        if target.before is not None
    }
