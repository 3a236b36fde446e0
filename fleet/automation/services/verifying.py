"""Measuring afresh what a run has done, and saying so. Read-only towards devices; safe to repeat."""

import logging
import time
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from fleet.automation.catalogue import get
from fleet.automation.models import Change, HostResult, Run
from fleet.automation.rules.readings import find
from fleet.automation.rules.verification import Seen, Verdict, Wanted, judge, overall, wanted
from fleet.automation.services.attempt import arguments_of
from fleet.automation.services.claiming import kept, lease, release
from fleet.automation.services.telling import move, tell
from fleet.devices.models import Device
from fleet.monitoring import services as monitoring

log = logging.getLogger(__name__)
PAUSE_S = 1.0
Pairs = dict[int, list[tuple[Wanted, Device]]]
"""{target device id: [(wish, the device that must show it)]}"""
FAILURES = tuple(HostResult.State(state) for state in ("failed", "unreachable", "unknown", "not-started"))


def wishes_of(run: Run) -> list[Wanted]:
    playbook = get(run.change.playbook)
    return wanted(playbook.verification.expect, arguments_of(run))


def subjects(run: Run, wishes: Sequence[Wanted]) -> Pairs:
    targets = [row.device for row in run.hosts.select_related("device")]
    behind = monitoring.behind([device.pk for device in targets]) if any(one.subject == "behind" for one in wishes) else {}
    port = run.change.arguments.get("port")
    pairs: Pairs = {}
    for target in targets:
        pairs[target.pk] = []
        for wish in wishes:
            found = _on_port(behind.get(target.pk, []), target, port) if wish.subject == "behind" else [target]
            pairs[target.pk] += [(wish, device) for device in found]
    return pairs


def _on_port(devices: Sequence[Device], switch: Device, port: Any) -> list[Device]:
    if port is None:
        return list(devices)
    hanging = switch.interfaces.filter(if_index=port).values_list("downlinks__device_id", flat=True)
    return [device for device in devices if device.pk in set(hanging)]


def _measure(devices: Sequence[Device]) -> dict[int, Seen]:
    unique = {device.pk: device for device in devices}
    return {
        pk: Seen(measurement.measured_at, measurement.reading)
        for pk, measurement in monitoring.measure(devices=list(unique.values())).items()
    }


def remember_before(run: Run) -> None:
    """Measure and keep what each expectation finds before anything is touched."""
    pairs = subjects(run, wishes_of(run))
    seen, since = _measure([device for found in pairs.values() for _, device in found]), _since(run)
    for row in run.hosts.all():
        row.evidence = [_evidence(wish, device, seen.get(device.pk), None, since) for wish, device in pairs[row.device_id]]
        row.save(update_fields=["evidence"])


def already_holds(run: Run) -> bool:
    """Whether a repeated attempt finds everything as wanted already: then there is nothing to do.

    That a device answers says nothing about what an earlier attempt did; that it has restarted since then does.
    """
    found = [one for row in run.hosts.all() for one in row.evidence]
    telling = any(one["holds"] != "reachable" for one in found)
    return telling and overall(Verdict(one["verdict"]) for one in found) == Verdict.CONFIRMED


def _since(run: Run) -> datetime:
    """From when on a restart counts: the start of this attempt, or of the first one while this one has played nothing."""
    first = Run.objects.filter(change=run.change_id, kind=run.kind, started_at__isnull=False).order_by("attempt").first()
    if first is None or run.started_at is None or run.log_lines.exists():
        return run.started_at or timezone.now()
    return first.started_at or run.started_at


def _evidence(wish: Wanted, device: Device, before: Seen | None, after: Seen | None, since: datetime) -> dict[str, Any]:
    now = after or before
    return {
        "device_id": device.pk,
        "device": device.name,
        "reading": wish.reading,
        "holds": wish.holds,
        "wanted": wish.value,
        "before": _shown(wish, before),
        "after": _shown(wish, after),
        "verdict": judge(wish, now, since).value,
        "measured_at": now.at.isoformat() if now else None,
    }


def _shown(wish: Wanted, seen: Seen | None) -> Any:
    if seen is None:
        return None
    if wish.holds == "reachable":
        return seen.reading is not None
    return find(seen.reading, wish.steps)


def verify(*, run_id: int, token: uuid.UUID | None = None) -> None:
    """Poll until every expectation holds or the playbook's time is over, then write verdicts and end the change.

    `token`: of the worker that has ended the run just now. Without it, only what another verifier has left is taken over.
    """
    if token is None and (token := _take_over(run_id)) is None:
        return
    run = Run.objects.select_related("change").defer("change__secret_arguments").get(pk=run_id)
    run.token = token
    if run.kind == Run.Kind.PREVIEW or not _hold(run):
        return
    rows = list(run.hosts.all())
    try:
        with kept(run, _hold):
            verdict = _watch(run, rows)
    except (OperationalError, InterfaceError):  # the database is away: whoever finds it again measures anew
        raise
    except Exception:  # the playbook was taken away, a secret cannot be read, …: it will be so the next time, too
        log.exception("cannot be verified", extra={"run_id": run.pk})
        verdict = _nothing_known(rows)
    if verdict is not None:
        _conclude(run, rows, verdict)


def _nothing_known(rows: list[HostResult]) -> Verdict:
    for row in rows:
        row.verdict = Verdict.UNKNOWN.value
    return Verdict.UNKNOWN


def _watch(run: Run, rows: list[HostResult]) -> Verdict | None:
    """Look until all is as wanted or the time is over; None when the run is no longer ours to judge."""
    pairs = subjects(run, wishes_of(run))
    within_s = get(run.change.playbook).verification.within_s if run.state == Run.State.SUCCEEDED else 0
    deadline = time.monotonic() + within_s
    while True:
        _look(run, rows, pairs)
        verdict = overall(Verdict(row.verdict) for row in rows)
        if verdict == Verdict.CONFIRMED or time.monotonic() >= deadline:
            return verdict
        if not _hold(run):
            return None
        time.sleep(PAUSE_S)


def _ended() -> QuerySet[Run]:
    """Runs that are over and not concluded: their verification has a lease too, so that a killed worker's is taken over."""
    return Run.objects.filter(lease_until__isnull=False).exclude(state__in=[Run.State.QUEUED, Run.State.RUNNING])


def _take_over(run_id: int) -> uuid.UUID | None:
    """A fresh token once the last verifier's lease is over, so that this one may write nothing more; None before."""
    now, token = timezone.now(), uuid.uuid4()
    left = _ended().filter(pk=run_id, lease_until__lt=now)
    return token if left.update(token=token, lease_until=lease(now)) == 1 else None


def _hold(run: Run) -> bool:
    """Prolong the lease; False when the run is concluded, or another verifier's."""
    return _ended().filter(pk=run.pk, token=run.token).update(lease_until=lease(timezone.now())) == 1


def _look(run: Run, rows: list[HostResult], pairs: Pairs) -> None:
    open_rows = [row for row in rows if row.verdict != Verdict.CONFIRMED]
    seen, since = _measure([device for row in open_rows for _, device in pairs[row.device_id]]), _since(run)
    for row in open_rows:
        known = {(one["device_id"], one["reading"], one["holds"]): one for one in row.evidence}
        row.evidence = [
            _evidence(wish, device, None, seen.get(device.pk), since)
            | {"before": known.get((device.pk, wish.reading, wish.holds), {}).get("before")}
            for wish, device in pairs[row.device_id]
        ]
        row.verdict = overall(Verdict(one["verdict"]) for one in row.evidence).value
        row.measured_at = _latest(row.evidence)


def _latest(evidence: list[dict[str, Any]]) -> datetime | None:
    instants = [datetime.fromisoformat(one["measured_at"]) for one in evidence if one["measured_at"]]
    return max(instants, default=None)


def _conclude(run: Run, rows: list[HostResult], verdict: Verdict) -> None:
    with transaction.atomic():
        if _ended().filter(pk=run.pk, token=run.token).update(lease_until=None) != 1:
            return
        HostResult.objects.bulk_update(rows, ["evidence", "verdict", "measured_at"])
        release(run)
        if run.kind == Run.Kind.REVERT:
            _end_box(run, verdict)
        else:
            _end_change(run, verdict)


def _end_change(run: Run, verdict: Verdict) -> None:
    change = Change.objects.defer("secret_arguments").get(pk=run.change_id)
    failed = run.state != Run.State.SUCCEEDED or run.hosts.filter(state__in=FAILURES).exists()
    outcome = Change.State.FAILED if failed else Change.State(verdict.value)
    if move(change, outcome):
        tell(change, outcome.value, run_id=run.pk, error=run.error)


def _end_box(run: Run, verdict: Verdict) -> None:
    good = verdict == Verdict.CONFIRMED
    box = Change.Box.REVERTED if good else Change.Box.FAILED
    if Change.objects.filter(pk=run.change_id, box=Change.Box.REVERTING).update(box=box) == 1:
        tell(run.change, "reverted" if good else "revert-failed", run_id=run.pk, verdict=verdict.value, error=run.error)


def measure_after_loss(run: Run) -> None:
    """Find out, read-only and once, what a lost or stopped run has left behind; its change stays until a person decides."""
    rows = list(run.hosts.all())
    if all(row.verdict for row in rows):
        return
    try:
        _look(run, rows, subjects(run, wishes_of(run)))
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("cannot be looked at", extra={"run_id": run.pk})
        _nothing_known(rows)
    HostResult.objects.bulk_update(rows, ["evidence", "verdict", "measured_at"])
