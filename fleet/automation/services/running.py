"""One run from the claim to its true end."""

import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, close_old_connections, transaction
from django.utils import timezone

from fleet.automation.catalogue import Playbook, get
from fleet.automation.execution import private
from fleet.automation.execution.order import RunOrder
from fleet.automation.inventory import build, host_name, login, manageable
from fleet.automation.models import Change, HostResult, Run
from fleet.automation.services.attempt import arguments_of, mark, private_dir
from fleet.automation.services.claiming import BEATS_A_LEASE, CHILD_SHARE, claim, heartbeat, kept, lease, release
from fleet.automation.services.launching import ChildProcess
from fleet.automation.services.losing import look_soon, lose
from fleet.automation.services.recording import Recorder
from fleet.automation.services.telling import move, tell
from fleet.automation.services.verifying import already_holds, remember_before, verify
from fleet.devices.models import Device

log = logging.getLogger(__name__)
BATCH_S = 0.3
FORKS_PER_CORE = 12
SSH_PORT = 22


@dataclass(frozen=True)
class End:
    state: Run.State
    error: str = ""
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
        end = End(Run.State.FAILED, type(error).__name__)
    _finish(run, end, recorder)


def _carry_out(run: Run, recorder: Recorder) -> End:
    playbook = get(run.change.playbook)
    # Taking back goes by the inverse as it is now: leaving the change on the device would be the greater surprise.
    if run.kind != Run.Kind.REVERT and playbook.digest != run.change.playbook_digest:
        return End(Run.State.FAILED, "The playbook has changed since this change was asked for. Please order it again.")
    if run.kind == Run.Kind.PREVIEW and playbook.check_mode == "none":
        return End(Run.State.SUCCEEDED, played=False)
    if run.kind != Run.Kind.PREVIEW:
        with kept(run):
            remember_before(run)
        if run.attempt > 1 and already_holds(run):
            return End(Run.State.SUCCEEDED, played=False)
    order = _order(run, playbook)
    if not heartbeat(run):  # measuring took longer than our lease: nothing may be started any more
        return End(Run.State.LOST)
    if _cancel_wanted(run):
        return End(Run.State.CANCELLED)
    return _play(run, order, recorder)


def _order(run: Run, playbook: Playbook) -> RunOrder:
    targets = Device.objects.filter(pk__in=run.hosts.values("device_id")).select_related("type", "ssh_credential")
    devices = manageable(targets)
    variables = build(devices)["_meta"]["hostvars"]
    change, keys, hosts = run.change, {}, {}
    secrets = _texts(change.secret_arguments or {})
    for device in devices:
        way_in, key = login(device), None
        if way_in is not None:
            secrets += [secret.reveal() for secret in way_in.secrets()]
            if way_in.private_key:
                key = f"key-{device.ssh_credential_id}"
                keys[key] = way_in.private_key.reveal()
        hosts[host_name(device)] = {
            "groups": [device.type.platform],
            "vars": _plain(variables[host_name(device)]) | _password(way_in),
            "key": key,
            "known_host": _known_host(device),
        }
    return RunOrder(
        private_dir=str(private_dir(run)),
        playbook=str(Path(settings.PLAYBOOKS_DIR) / playbook.slug / "playbook.yml"),
        group_vars=str(Path(settings.INVENTORY_DIR) / "group_vars"),
        hosts=hosts,
        keys=keys,
        arguments=arguments_of(run),
        secrets=secrets,
        check=run.kind == Run.Kind.PREVIEW,
        timeout_s=playbook.timeout_s,
        lease_s=settings.RUN_LEASE_S * CHILD_SHARE,
        forks=max(1, min(len(hosts), FORKS_PER_CORE * (os.cpu_count() or 1))),
        environment={"ANSIBLE_CONFIG": str(settings.BASE_DIR / "ansible.cfg")},
    )


def _texts(value: Any) -> list[str]:
    """Every text of a secret value: of a list, its elements are what may show somewhere."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [str(value)]


def _plain(variables: dict[str, Any]) -> dict[str, Any]:
    """Without the JSON marks of unsafe text: the private inventory marks every text itself."""
    return {name: value["__ansible_unsafe"] if isinstance(value, dict) else value for name, value in variables.items()}


def _password(way_in: Any) -> dict[str, str]:
    return {"ansible_password": way_in.password.reveal()} if way_in and way_in.password else {}


def _known_host(device: Device) -> str:
    """A line of known_hosts (sshd(8)): the port is written only where it is not 22."""
    host = device.address if device.ssh_port == SSH_PORT else f"[{device.address}]:{device.ssh_port}"
    return " ".join([str(host), *device.ssh_host_key.split()[:2]]) if device.ssh_host_key else ""


def _play(run: Run, order: RunOrder, recorder: Recorder) -> End:
    end = None
    try:
        with ChildProcess(order, mark(run)) as child:
            for message in _listen(run, child, recorder):
                end = message if "end" in message else end
    finally:
        if heartbeat(run):  # otherwise it belongs to whoever has taken the run for lost, and reads what is there
            private.remove(order.path)
    if end is None:
        return End(Run.State.LOST, f"The run's process ended by itself. {child.last_words}")
    return End(Run.State(end["end"]))


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
        except DatabaseError:  # a database that is away for less than the child's lease must not end work on devices
            log.warning("database away during a run", extra={"run_id": run.pk})
            close_old_connections()
    recorder.record(unwritten)


def _cancel_wanted(run: Run) -> bool:
    return Run.objects.filter(pk=run.pk, cancel_requested_at__isnull=False).exists()


def _finish(run: Run, end: End, recorder: Recorder) -> None:
    """Write the run's end if it is still ours, then say what it means for the change."""
    if end.state == Run.State.LOST:
        lose(run, recorder, end.error)
        return
    with transaction.atomic():
        run.change = Change.objects.select_for_update().defer("secret_arguments").get(pk=run.change_id)
        verifies = run.kind == Run.Kind.REVERT or (run.kind == Run.Kind.APPLY and end.state != Run.State.CANCELLED)
        ended = Run.objects.filter(pk=run.pk, token=run.token, state=Run.State.RUNNING).update(
            state=end.state,
            error=end.error,
            finished_at=timezone.now(),
            lease_until=lease(timezone.now()) if verifies else None,  # measuring is taken over if this worker dies now
        )
        if ended != 1:
            return
        run.state, run.error = end.state.value, end.error
        _settle_hosts(run, end, recorder)
        _follow_up(run, end)
        if not verifies:
            release(run)
    if verifies:
        verify(run_id=run.pk, token=run.token)


def _settle_hosts(run: Run, end: End, recorder: Recorder) -> None:
    if end.played:
        recorder.settle()
        return
    left = HostResult.State.NOT_STARTED if run.kind == Run.Kind.PREVIEW else HostResult.State.OK
    run.hosts.update(state=left)


def _follow_up(run: Run, end: End) -> None:
    """Move the change on."""
    if run.kind == Run.Kind.PREVIEW:
        _after_preview(run.change, end)
    elif run.kind == Run.Kind.APPLY and end.state == Run.State.CANCELLED:
        if move(run.change, Change.State.CANCELLED):
            tell(run.change, "cancelled", run_id=run.pk)
        if run.hosts.exclude(state=HostResult.State.NOT_STARTED).exists():
            transaction.on_commit(lambda: look_soon(run.pk), robust=True)
    elif run.kind == Run.Kind.APPLY:
        move(run.change, Change.State.VERIFYING)


def _after_preview(change: Change, end: End) -> None:
    if end.state == Run.State.CANCELLED:
        if move(change, Change.State.CANCELLED):
            tell(change, "cancelled")
    elif end.state != Run.State.SUCCEEDED:
        if move(change, Change.State.FAILED):
            tell(change, "failed", error=end.error)
    elif change.approvals_needed:
        if move(change, Change.State.AWAITING_APPROVAL):
            tell(change, "previewed")
    elif move(change, Change.State.APPROVED):
        tell(change, "approved")
