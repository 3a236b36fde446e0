"""One run from the claim to its true end."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, transaction
from django.utils import timezone

from fleet.automation.catalogue import Playbook
from fleet.automation.execution import private
from fleet.automation.execution.order import RunOrder
from fleet.automation.inventory import manageable
from fleet.automation.models import Change, HostResult, LogLine, Ring, Run
from fleet.automation.services import assembling, subject
from fleet.automation.services.attempt import arguments_of, mark, playbook_of, private_dir, restores, secrets_of
from fleet.automation.services.before import changed_since, keep_before, own_variables
from fleet.automation.services.claiming import BEATS_A_LEASE, CHILD_SHARE, claim, heartbeat
from fleet.automation.services.decisions import left
from fleet.automation.services.launching import ChildProcess
from fleet.automation.services.leases import kept, lease
from fleet.automation.services.losing import lose
from fleet.automation.services.recording import Recorder
from fleet.automation.services.rollouts.advancing import stand, stop
from fleet.automation.services.rollouts.planning import strategy_of
from fleet.automation.services.rollouts.resting import NO_ROOM
from fleet.automation.services.settling import let_go
from fleet.automation.services.telling import move, tell, why
from fleet.automation.services.verifying import (
    all_as_wanted,
    already_holds,
    find_absent,
    recall_before,
    remember_before,
    verify,
)
from fleet.devices.models import Device

log = logging.getLogger(__name__)
BATCH_S = 0.3
UNTRIED = (HostResult.State.OFFLINE, HostResult.State.FAILED)
"""Before anything is played: not there, or not to be touched since what it has could not be kept."""
LOOKING = "fleetdesk_looks"
"""Event of a log line of our own: devices are looked at by SNMP. Pages say the sentence."""
Result = TypeVar("Result")


@dataclass(frozen=True)
class End:
    state: Run.State
    problem: str = ""
    """A key of `words.run_error`."""
    error: str = ""
    """What a program has said, as it said it."""
    played: bool = True
    """False: Ansible was not asked, since there was nothing to ask it."""


def execute(*, run_id: int) -> None:
    """Claim the run and see it through. A second delivery, or a run that must wait, is a no-op."""
    run = claim(run_id)
    if run is None:
        return
    log.info("run started", extra={"run_id": run.pk, "change_id": run.change_id})
    recorder = Recorder(run)
    try:
        end = _carry_out(run, recorder)
    except Exception as error:  # whatever it was, the run ends in a true state and frees its devices
        log.exception("run failed", extra={"run_id": run.pk})
        end = End(Run.State.FAILED, "unexpected", type(error).__name__)
    if patiently(lambda: _finish(run, end, recorder)):
        verify(run_id=run.pk, token=run.token)


def _carry_out(run: Run, recorder: Recorder) -> End:
    playbook = patiently(lambda: playbook_of(run))
    # Taking back goes by the inverse as it is now: leaving the change on the device would be the greater surprise.
    if run.kind in {Run.Kind.PREVIEW, Run.Kind.APPLY} and playbook.digest != run.change.playbook_digest:
        return End(Run.State.FAILED, "playbook-changed")
    found = patiently(lambda: _prepare(run, playbook, recorder))
    return found if isinstance(found, End) else _play(run, found, recorder)


def _prepare(run: Run, playbook: Playbook, recorder: Recorder) -> RunOrder | End:
    """Only reads, so that it can be done again after the database was away."""
    if (run.kind == Run.Kind.PREVIEW and playbook.check_mode == "none") or _nothing_to_play(run, recorder):
        kept_out = run.hosts.filter(state=HostResult.State.FAILED).exists()
        return End(Run.State.FAILED if kept_out else Run.State.SUCCEEDED, played=False)
    order = _order(run, playbook)
    if not heartbeat(run):  # measuring took longer than our lease: nothing may be started any more
        return End(Run.State.LOST)
    return End(Run.State.CANCELLED) if _cancel_wanted(run) else order


def _say_first(run: Run) -> None:
    """What the log says at once: looking at many devices takes longer than people like to see nothing."""
    first = LogLine(run=run, sequence=0, event=LOOKING)
    LogLine.objects.bulk_create([first], ignore_conflicts=True)


def _nothing_to_play(run: Run, recorder: Recorder) -> bool:
    """Look at the devices first: who is not there is not tried, and what a repeated attempt finds done is not repeated."""
    _say_first(run)
    with kept(lambda: heartbeat(run)):
        recorder.leave_out(_leave_unfit(run))
        if run.kind != Run.Kind.PREVIEW:
            recorder.leave_out(remember_before(run))
        elif strategy_of(run.change).offline_until is not None:
            recorder.leave_out(find_absent(run))
        if not recorder.hosts or _holds_already(run):
            return True
        recorder.leave_out(keep_before(run) | changed_since(run))
    return not recorder.hosts


def _leave_unfit(run: Run) -> set[int]:
    """Ids of devices that went out of service, or became another machine, since this was asked for; marked as not tried."""
    if run.kind not in {Run.Kind.PREVIEW, Run.Kind.APPLY}:
        return set()
    rows = subject.unfit(run.hosts.all(), run.change)
    ids = set(rows.values_list("device_id", flat=True))
    run.hosts.filter(device_id__in=ids).update(state=HostResult.State.OFFLINE)
    return ids


def _holds_already(run: Run) -> bool:
    if run.kind == Run.Kind.MEND:
        return all_as_wanted(run)
    if run.kind == Run.Kind.PREVIEW or run.attempt == 1 or restores(run) or not already_holds(run):
        return False
    recall_before(run)
    return True


def _order(run: Run, playbook: Playbook) -> RunOrder:
    there = run.hosts.exclude(state__in=UNTRIED)
    targets = Device.objects.filter(pk__in=there.values("device_id")).select_related("type", "ssh_credential")
    play = assembling.Play(
        playbook=playbook,
        devices=manageable(targets),
        folder=private_dir(run),
        lease_s=settings.RUN_LEASE_S * CHILD_SHARE,
        check=run.kind == Run.Kind.PREVIEW,
        arguments=arguments_of(run),
        secrets=_texts(secrets_of(run)),
        run_id=run.pk,
        own=own_variables(run),
    )
    return assembling.order(play)


def _texts(value: Any) -> list[str]:
    """Every text of a secret value: of a list, its elements are what may show somewhere."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [str(value)]


def _play(run: Run, order: RunOrder, recorder: Recorder) -> End:
    end = None
    try:
        with ChildProcess(order, mark(run)) as child:
            for message in _listen(run, child, recorder):
                end = message if "end" in message else end
    finally:
        if patiently(lambda: heartbeat(run)):  # otherwise it belongs to whoever has taken the run for lost, and reads it
            private.remove(order.path)
    if end is None:
        return _ended_by_itself(child.last_words, begun=recorder.has_begun)
    return End(Run.State(end["end"]), end.get("problem", ""), end.get("error", ""))


NO_SPACE = "No space left on device"


def _ended_by_itself(last_words: str, *, begun: bool) -> End:
    """Without room for its files the child says so and dies: before the first event no device was touched."""
    if NO_SPACE not in last_words:
        return End(Run.State.LOST, "process-ended", last_words)
    if begun:
        return End(Run.State.LOST, "disk-full-midway")
    return End(Run.State.FAILED, NO_ROOM)


def _listen(run: Run, child: ChildProcess, recorder: Recorder) -> Iterator[dict[str, Any]]:
    """Record what the child tells and keep the lease, until the child has ended or the run is no longer ours."""
    unwritten: list[dict[str, Any]] = []
    next_beat = 0.0
    for batch in child.batches(BATCH_S):
        yield from batch
        unwritten += batch
        try:
            if time.monotonic() >= next_beat:
                if not heartbeat(run):
                    return
                child.beat()
                next_beat = time.monotonic() + settings.RUN_LEASE_S / BEATS_A_LEASE
            recorder.record(unwritten)
            unwritten = []
            if _cancel_wanted(run):
                child.cancel()
        except (DatabaseError, InterfaceError):  # away for less than the child's lease: that must not end work on devices
            log.warning("database away during a run", extra={"run_id": run.pk})
            close_old_connections()
    patiently(lambda: recorder.record(unwritten))


def patiently(act: Callable[[], Result]) -> Result:
    """Try again while the database is away, for as long as our lease may still hold. The child has ended by then."""
    give_up_at = time.monotonic() + settings.RUN_LEASE_S
    while True:
        try:
            return act()
        except (OperationalError, InterfaceError):
            if time.monotonic() >= give_up_at:
                raise
            log.warning("database away at the end of a run")
            close_old_connections()
            time.sleep(1)


def _cancel_wanted(run: Run) -> bool:
    return Run.objects.filter(pk=run.pk, cancel_requested_at__isnull=False).exists()


def _finish(run: Run, end: End, recorder: Recorder) -> bool:
    """Write the run's end if it is still ours, and what it means for the change; whether it is to be measured now."""
    if end.state == Run.State.LOST:
        lose(run, recorder, end.problem, end.error)
        return False
    with transaction.atomic():
        run.change = Change.objects.select_for_update().defer("secret_arguments").get(pk=run.change_id)
        verifies = run.kind in {Run.Kind.REVERT, Run.Kind.MEND} or (
            run.kind == Run.Kind.APPLY and end.state != Run.State.CANCELLED
        )
        now = timezone.now()
        ended = Run.objects.filter(pk=run.pk, token=run.token, state=Run.State.RUNNING).update(
            state=end.state,
            problem=end.problem,
            error=end.error,
            finished_at=now,
            lease_until=lease(now) if verifies else None,  # measuring is taken over if this worker dies now
        )
        if ended != 1:
            return False
        run.state, run.problem, run.error, run.finished_at = end.state.value, end.problem, end.error, now
        _settle_hosts(run, end, recorder)
        _follow_up(run, end)
        if not verifies:
            let_go(run, now)
    return verifies


def _settle_hosts(run: Run, end: End, recorder: Recorder) -> None:
    if end.played:
        recorder.settle()
        return
    left = HostResult.State.NOT_STARTED if run.kind == Run.Kind.PREVIEW else HostResult.State.OK
    run.hosts.exclude(state__in=UNTRIED).update(state=left)


def _follow_up(run: Run, end: End) -> None:
    """Move the change on."""
    if run.kind == Run.Kind.PREVIEW:
        _after_preview(run, end)
    elif run.kind == Run.Kind.APPLY and end.state == Run.State.CANCELLED:
        stand(run, run.hosts.all())
        stop(run.change)
    elif run.kind == Run.Kind.APPLY:
        move(run.change, Change.State.VERIFYING)
        Ring.objects.filter(runs=run, state=Ring.State.RUNNING).update(state=Ring.State.VERIFYING)


def _after_preview(run: Run, end: End) -> None:
    change = run.change
    if end.state == Run.State.CANCELLED or _cancel_wanted(run):
        stop(change)
    elif end.state != Run.State.SUCCEEDED and not _bearable(run, end):
        if move(change, Change.State.FAILED):
            tell(change, "failed", **why(run))
    elif left(change):
        if move(change, Change.State.AWAITING_APPROVAL):
            tell(change, "previewed")
    elif move(change, Change.State.APPROVED):
        tell(change, "approved")


def _bearable(run: Run, end: End) -> bool:
    """Where offline devices are waited for, a preview that saw some of the others is good enough."""
    if end.state != Run.State.FAILED or strategy_of(run.change).offline_until is None:
        return False
    states = set(run.hosts.values_list("state", flat=True))
    return HostResult.State.FAILED not in states and bool(states & {HostResult.State.OK, HostResult.State.CHANGED})
