"""Writing what the child tells into rows, a batch at a time."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from fleet.automation.inventory import host_name
from fleet.automation.models import HostResult, LogLine, Run
from fleet.automation.rules.lifecycle import HOST_EVENTS, host_in_the_end

SHOWN = {"playbook_on_play_start", "playbook_on_task_start", "playbook_on_stats", "warning", "error", "verbose"} | {
    *HOST_EVENTS,
    "runner_item_on_ok",
    "runner_item_on_failed",
    "runner_on_skipped",
    "runner_retry",
}
BAD = (HostResult.State.FAILED, HostResult.State.UNREACHABLE)


class Recorder:
    """Keeps the hosts of a run in mind and writes only what changed; each event counts once, however often it comes."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.hosts = {host_name(row.device): row for row in self._there()}
        self._counted: set[int] = set()
        self._unwritten: set[str] = set()
        self._begun: set[str] = set()
        self._finished = False

    def _there(self) -> Iterable[HostResult]:
        return self._run.hosts.exclude(state=HostResult.State.OFFLINE).select_related("device")

    @property
    def has_begun(self) -> bool:
        """Whether any host was heard of."""
        return any(self._begun - {""})

    def leave_out(self, device_ids: Collection[int]) -> None:
        """These are not tried: nothing is told of them."""
        self.hosts = {name: row for name, row in self.hosts.items() if row.device_id not in device_ids}

    def start_over(self) -> None:
        """Forget what is known of the hosts: all events of the run come again, from the first."""
        for row in self.hosts.values():
            row.state, row.diff, row.message = HostResult.State.PENDING, [], ""

    def doubt(self) -> None:
        """What the run told cannot be read: nobody knows where it has begun."""
        self._begun.update(self.hosts)

    def record(self, batch: Iterable[dict[str, Any]]) -> None:
        """Write a batch; to be called again with the same batch after a failed commit."""
        events = [event for event in batch if "event" in event]
        if not events:
            return
        for event in events:
            self._count(event)
        with transaction.atomic():
            LogLine.objects.bulk_create(
                (self._line(event) for event in events if event["event"] in SHOWN), ignore_conflicts=True
            )
            rows = [self.hosts[name] for name in sorted(self._unwritten)]
            HostResult.objects.bulk_update(rows, ["state", "diff", "message"])
        self._unwritten.clear()

    def settle(self) -> None:
        """The run is over: no host stays «waiting», and none is said to be well that may not be."""
        known = set(self._run.log_lines.filter(device__isnull=False).values_list("device_id", flat=True).distinct())
        for name, row in self.hosts.items():
            begun = name in self._begun or row.device_id in known
            row.state = host_in_the_end(known=row.state, begun=begun, finished=self._finished)
        HostResult.objects.bulk_update(self.hosts.values(), ["state"])

    def _count(self, event: dict[str, Any]) -> None:
        if event["counter"] in self._counted:
            return
        self._counted.add(event["counter"])
        self._begun.add(event["host"])
        self._finished |= event["event"] == "playbook_on_stats"
        if self._follow(event):
            self._unwritten.add(event["host"])
        if event["event"] == "playbook_on_stats":
            self._unwritten.update(self._pardoned(event["stats"]))

    def _line(self, event: dict[str, Any]) -> LogLine:
        row = self.hosts.get(event["host"])
        name = row.device.name if row else ""
        return LogLine(
            run=self._run,
            sequence=event["counter"],
            event=event["event"],
            device=row.device if row else None,
            host=name,
            task=event["task"][:300],
            text=event["text"].replace(event["host"], name) if row else event["text"],
            at=_instant(event["at"]),
        )

    def _follow(self, event: dict[str, Any]) -> bool:
        """Bring the host's row up to date; True when it changed."""
        row, outcome = self.hosts.get(event["host"]), HOST_EVENTS.get(event["event"])
        if row is None or outcome is None:
            return False
        before = row.state, row.message
        if outcome == "ok":
            if event["changed"] and row.state in {HostResult.State.PENDING, HostResult.State.OK}:
                row.state = HostResult.State.CHANGED
            elif row.state == HostResult.State.PENDING:
                row.state = HostResult.State.OK
        elif not event["ignored"]:
            row.state, row.message = outcome, event["message"][:4000]
        row.diff = [*row.diff, *event["diff"]]
        return bool(event["diff"]) or before != (row.state, row.message)

    def _pardoned(self, stats: dict[str, dict[str, int]]) -> Iterator[str]:
        """Hosts whose failures the playbook has coped with (`rescue`, `ignore_unreachable`), by Ansible's own account."""
        for name, row in self.hosts.items():
            counts = {kind: hosts[name] for kind, hosts in stats.items() if name in hosts}
            if row.state in BAD and counts and not counts.get("failures") and not counts.get("dark"):
                row.state = HostResult.State.CHANGED if counts.get("changed") else HostResult.State.OK
                row.message = ""
                yield name


def _instant(text: str) -> datetime:
    moment = parse_datetime(text) if text else None
    if moment is None:
        return timezone.now()
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment, timezone.get_default_timezone())
