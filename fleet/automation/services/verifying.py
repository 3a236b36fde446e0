"""Measuring afresh what a run has done, and saying so. Read-only towards devices; safe to repeat."""

import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from fleet.automation.models import Change, HostResult, Run
from fleet.automation.rules.readings import find
from fleet.automation.rules.verification import Seen, Verdict, Wanted, all_measured, is_effect, judge, overall, wanted
from fleet.automation.services import boxes
from fleet.automation.services.attempt import arguments_of, playbook_of
from fleet.automation.services.claiming import release
from fleet.automation.services.leases import kept, lease
from fleet.automation.services.rollouts.advancing import after_look, after_step, locked
from fleet.automation.services.rollouts.taking_back import after_taking_back, note_taken_back
from fleet.automation.services.settling import settled_at
from fleet.automation.services.silence import offline
from fleet.devices.models import Device
from fleet.monitoring import services as monitoring
from fleet.monitoring.rules.measurement import Measurement

log = logging.getLogger(__name__)
PAUSE_S = 1.0
HOLDS_A_WORKER_S = 20.0
"""So long a worker waits for devices after a run. Then the tender has them looked at, so that workers are free meanwhile."""
NEXT_LOOK = timedelta(seconds=10)
"""After handing over: when it is looked at again."""
BATCH = 200
WENT_WELL = (HostResult.State.OK, HostResult.State.CHANGED)
Pairs = dict[int, list[tuple[Wanted, Device]]]
"""{target device id: [(wish, the device that must show it)]}"""
Place = tuple[int, int, str, str]
"""Target device id, the id of the device that must show it, reading, how it must hold."""


def wishes_of(run: Run) -> list[Wanted]:
    playbook = playbook_of(run)
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


def find_absent(run: Run) -> set[int]:
    """Ids of the run's devices that are not there now, marked as such."""
    targets = [row.device for row in run.hosts.select_related("device")]
    measured = _measured(targets)
    gone = offline(targets, {pk: one.reason for pk, one in measured.items() if one.reading is None})
    run.hosts.filter(device_id__in=gone).update(state=HostResult.State.OFFLINE)
    return gone


def _measured(devices: Sequence[Device]) -> Mapping[int, Measurement]:
    unique = {device.pk: device for device in devices}
    return monitoring.measure(devices=list(unique.values())) if unique else {}


def _seen(measured: Mapping[int, Measurement]) -> dict[int, Seen]:
    return {pk: Seen(one.measured_at, one.reading) for pk, one in measured.items()}


def remember_before(run: Run) -> set[int]:
    """Measure and keep what each expectation finds before anything is touched; ids of the targets that are not there.

    Those stay untried: SNMP tells in one look at all of them what Ansible would wait for at each.
    """
    pairs, rows = subjects(run, wishes_of(run)), list(run.hosts.select_related("device"))
    targets = [row.device for row in rows]
    measured = _measured([*targets, *(device for found in pairs.values() for _, device in found)])
    seen, since = _seen(measured), _since(run)
    gone = offline(targets, {pk: one.reason for pk, one in measured.items() if one.reading is None})
    for row in rows:
        row.evidence = [_evidence(wish, device, seen.get(device.pk), None, since) for wish, device in pairs[row.device_id]]
        row.state = HostResult.State.OFFLINE.value if row.device_id in gone else row.state
    HostResult.objects.bulk_update(rows, ["evidence", "state"], batch_size=BATCH)
    return gone


def already_holds(run: Run) -> bool:
    """Whether a repeated attempt finds that an earlier one has done all of it: then there is nothing to do.

    What held before the first one proves nothing, nor does it say anything of arguments that nobody measures.
    """
    if not all_measured(playbook_of(run).verification.expect, arguments_of(run)):
        return False
    first, rows = _first_found(run), list(run.hosts.exclude(state=HostResult.State.OFFLINE))
    return bool(rows) and all(_is_done(row, first) for row in rows)


def all_as_wanted(run: Run) -> bool:
    """Whether what the run is for was found there before anything was touched."""
    rows = list(run.hosts.exclude(state=HostResult.State.OFFLINE))
    return bool(rows) and all(_shows_all(row) for row in rows)


def _shows_all(row: HostResult) -> bool:
    return overall(Verdict(one["verdict"]) for one in row.evidence) == Verdict.CONFIRMED


def _is_done(row: HostResult, first: Mapping[Place, Any]) -> bool:
    if not _shows_all(row):
        return False
    return any(is_effect(one["holds"], one["wanted"], first.get((row.device_id, *_place(one)))) for one in row.evidence)


def recall_before(run: Run) -> None:
    """Nothing is done by this attempt: what the first one found is what stood there before the change."""
    first, rows = _first_found(run), list(run.hosts.all())
    for row in rows:
        row.evidence = [one | {"before": first.get((row.device_id, *_place(one)), one["before"])} for one in row.evidence]
    HostResult.objects.bulk_update(rows, ["evidence"], batch_size=BATCH)


def _first_found(run: Run) -> dict[Place, Any]:
    """{place: what stood there before the first attempt}"""
    earlier = HostResult.objects.filter(run__change=run.change_id, run__kind=run.kind).exclude(run=run)
    rows = earlier.order_by("-run__attempt")
    return {(row.device_id, *_place(one)): one["before"] for row in rows for one in row.evidence}


def _place(evidence: dict[str, Any]) -> tuple[int, str, str]:
    return evidence["device_id"], evidence["reading"], evidence["holds"]


def _since(run: Run) -> datetime:
    """From when on a restart counts: the start of this attempt, or of the first one while this one has played nothing."""
    attempts = Run.objects.filter(change=run.change_id, kind=run.kind, ring=run.ring_id, step=run.step)
    first = attempts.filter(started_at__isnull=False).order_by("attempt").first()
    if first is None or run.started_at is None or run.log_lines.filter(sequence__gt=0).exists():
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
    """Look whether every expectation holds; when all do or the playbook's time is over, write verdicts and end the change.

    What takes long is handed over in between: nobody holds the run then, and the tender has it gone on with in time.
    `token`: of the worker that has ended the run just now. Without it, only what another verifier has left is taken over.
    """
    waits_s = HOLDS_A_WORKER_S if token else 0.0
    if token is None and (token := _take_over(run_id)) is None:
        return
    run = Run.objects.select_related("change").defer("change__secret_arguments").get(pk=run_id)
    run.token = token
    if run.kind == Run.Kind.PREVIEW or not _hold(run):
        return
    rows, next_at = list(run.hosts.exclude(state=HostResult.State.OFFLINE)), None
    try:
        with kept(lambda: _hold(run)):
            next_at = _watch(run, rows, timezone.now() + timedelta(seconds=waits_s))
    except (OperationalError, InterfaceError):  # the database is away: whoever finds it again measures anew
        raise
    except Exception:  # the playbook was taken away, a secret cannot be read, …: it will be so the next time, too
        log.exception("cannot be verified", extra={"run_id": run.pk})
        _nothing_known(rows)
    if next_at is None:
        _conclude(run, rows)
    else:
        _hand_over(run, rows, next_at)


def _nothing_known(rows: list[HostResult]) -> None:
    for row in rows:
        row.verdict = Verdict.UNKNOWN.value


def _watch(run: Run, rows: list[HostResult], hands_over_at: datetime) -> datetime | None:
    """Look until all is as wanted, the time is over or it is to be handed over; when to go on, in the last case.

    Time to show its effect has every device on which the playbook went well, whatever became of the others. One that the
    run was cut off on is looked at when it has settled. Whose run it is no more may stop: it writes nothing (`_conclude`).
    """
    if not rows:  # none of its devices was there
        return None
    pairs, until, settled = subjects(run, wishes_of(run)), _patient_until(run), settled_at(run)
    cut_off = [row for row in rows if row.state == HostResult.State.UNKNOWN]
    patient = [row for row in rows if row.state in WENT_WELL]
    others = [row for row in rows if row.state not in {*WENT_WELL, HostResult.State.UNKNOWN} and not row.verdict]
    _look(run, [*patient, *others], pairs)
    while any(row.verdict != Verdict.CONFIRMED for row in patient) and (now := timezone.now()) < until:
        if now >= hands_over_at:
            return min(now + NEXT_LOOK, until)
        if not _pause(run):
            return None
        _look(run, patient, pairs)
    while cut_off and timezone.now() < settled:
        if settled > hands_over_at:
            return settled
        if not _pause(run):
            return None
    _look(run, cut_off, pairs)
    return None


def _patient_until(run: Run) -> datetime:
    """Until when devices have time to show the effect: reckoned once, however many look one after the other."""
    if run.patient_until is None:
        run.patient_until = timezone.now() + timedelta(seconds=playbook_of(run).verification.within_s)
        _ended().filter(pk=run.pk, token=run.token).update(patient_until=run.patient_until)
    return run.patient_until


def _pause(run: Run) -> bool:
    """False when the run is no longer ours to judge."""
    ours = _hold(run)
    if ours:
        time.sleep(PAUSE_S)
    return ours


def _hand_over(run: Run, rows: list[HostResult], next_at: datetime) -> None:
    """Leave the run until `next_at`: its lease ends then, as a killed verifier's does. What is certain already is kept."""
    certain = [row for row in rows if row.verdict == Verdict.CONFIRMED or (row.verdict and row.state not in WENT_WELL)]
    with transaction.atomic():
        if _ended().filter(pk=run.pk, token=run.token).update(lease_until=next_at) == 1:
            HostResult.objects.bulk_update(certain, ["evidence", "verdict", "measured_at"], batch_size=BATCH)


def _ended() -> QuerySet[Run]:
    """Runs that are over and not concluded: their verification has a lease too, so that a killed worker's is taken over."""
    return Run.objects.filter(lease_until__isnull=False).exclude(state__in=Run.LIVE)


def _take_over(run_id: int) -> uuid.UUID | None:
    """A fresh token once the last verifier's lease is over, so that this one may write nothing more; None before.

    Where nobody looked for long and the devices' time ran out (everything stood still), they get one more look after this.
    """
    now, token = timezone.now(), uuid.uuid4()
    left = _ended().filter(pk=run_id, lease_until__lt=now).first()
    if left is None or left.lease_until is None:
        return None
    until, idle = left.patient_until, now - left.lease_until
    if until and left.lease_until < until and idle > timedelta(seconds=settings.RUN_LEASE_S):
        until = max(until, now + NEXT_LOOK)
    as_it_was = _ended().filter(pk=run_id, token=left.token, lease_until=left.lease_until)
    return token if as_it_was.update(token=token, lease_until=lease(now), patient_until=until) == 1 else None


def _hold(run: Run) -> bool:
    """Prolong the lease; False when the run is concluded, or another verifier's."""
    return _ended().filter(pk=run.pk, token=run.token).update(lease_until=lease(timezone.now())) == 1


def _look(run: Run, rows: list[HostResult], pairs: Pairs) -> None:
    open_rows = [row for row in rows if row.verdict != Verdict.CONFIRMED]
    devices = [device for row in open_rows for _, device in pairs[row.device_id]]
    seen, since = _seen(_measured(devices)), _since(run)
    for row in open_rows:
        known = {_place(one): one for one in row.evidence}
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


def _conclude(run: Run, rows: list[HostResult]) -> None:
    with transaction.atomic():
        locked(run.change_id)
        if _ended().filter(pk=run.pk, token=run.token).update(lease_until=None) != 1:
            return
        HostResult.objects.bulk_update(rows, ["evidence", "verdict", "measured_at"], batch_size=BATCH)
        release(run)
        hosts = run.hosts.all()
        if run.kind == Run.Kind.REVERT:
            _after_revert(run, rows)
        elif run.kind == Run.Kind.APPLY:  # what was made good sees the tender (`mending`)
            after_step(run, hosts)


def _after_revert(run: Run, rows: list[HostResult]) -> None:
    """Rolled back for a fault, or taken back at the end of its time."""
    run.change = locked(run.change_id)
    if run.change.state == Change.State.ROLLING_BACK:
        after_taking_back(run, run.hosts.all())
    else:
        boxes.settle(run=run, verdict=overall(Verdict(row.verdict or Verdict.UNKNOWN) for row in rows).value)


def measure_after_loss(run: Run) -> None:
    """Find out, read-only and once, what a lost or stopped run has left behind, and write what that means for its change."""
    rows = list(run.hosts.all())
    if all(row.verdict for row in rows):
        return
    there = [row for row in rows if row.state != HostResult.State.OFFLINE]
    _nothing_known([row for row in rows if row not in there])
    try:
        _look(run, there, subjects(run, wishes_of(run)))
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("cannot be looked at", extra={"run_id": run.pk})
        _nothing_known(there)
    with transaction.atomic():
        run.change = locked(run.change_id)
        if run.hosts.filter(verdict="").exists():  # else another look was faster
            HostResult.objects.bulk_update(rows, ["evidence", "verdict", "measured_at"], batch_size=BATCH)
            _after_loss(run, rows)


def _after_loss(run: Run, rows: list[HostResult]) -> None:
    """Taking back goes on by the tender; a person is needed for what is still there, and only for that."""
    change = run.change
    if run.kind == Run.Kind.APPLY and change.state in {Change.State.LOST, Change.State.CANCELLED}:
        after_look(run, rows)
    elif run.kind == Run.Kind.REVERT and change.state == Change.State.ROLLING_BACK:
        note_taken_back(run, rows)
    elif run.kind == Run.Kind.REVERT and run.state == Run.State.LOST and change.box == Change.Box.REVERTING:
        boxes.settle(run=run, verdict=overall(Verdict(row.verdict) for row in rows).value)
