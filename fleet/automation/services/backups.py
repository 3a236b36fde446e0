"""Fetching, keeping and putting back configurations. Texts leave in clear by `text_of` alone."""

import hashlib
import hmac
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from fleet.automation.catalogue import CatalogueError, get
from fleet.automation.inventory import host_name, manageable
from fleet.automation.models import Backup, BackupState, Change, Configuration, Run, Target
from fleet.automation.rules.configurations import normalised
from fleet.automation.rules.keeping import Known, is_due, night_of, superfluous
from fleet.automation.rules.lifecycle import ENDED
from fleet.automation.services import playing
from fleet.automation.services.ordering import Order, request_change
from fleet.devices.models import Device
from fleet.events.models import Event
from fleet.events.services import Fact, emit
from fleet.people.models import User
from fleet.people.rules import Action

log = logging.getLogger(__name__)
AT_ONCE = 25
"""Devices of one reading: so many that Ansible is busy, so few that the night's work is spread."""
LOOKED_AT = 500
"""Devices of which is known at once whether they are due."""
KEPT_AT_FOR_S = 50.0
PRUNED_AT_ONCE = 100
"""Devices whose old versions go in one transaction."""
TEXTS_AT_ONCE = 500
PUT_BACK_WITHIN = timedelta(days=90)
"""So long what stood on a device before a change is kept in any case, so that the change can be undone."""
LARGEST = 2_000_000
"""Characters; a device that shows more than that shows no configuration."""
SEEN_ENDS = frozenset(
    f"change.{end}"
    for end in (
        *("confirmed", "refuted", "unknown", "failed", "cancelled", "lost"),
        *("reverted", "revert-failed", "halted", "rolled-back", "made-good"),
    )
)
"""After these something may be different on the change's devices."""


class ForeignBackupError(LookupError):
    """The backup is gone, or it is of another device than the change's."""


@dataclass(frozen=True)
class Why:
    """What a configuration is fetched for."""

    kind: Backup.Kind = Backup.Kind.ASKED
    change_id: int | None = None


@dataclass(frozen=True)
class Failure:
    """Why a configuration could not be fetched: a key of `words.backup_error`, and what a program has said."""

    problem: str = ""
    error: str = ""


def latest(device: Device) -> Backup | None:
    return Backup.objects.filter(device=device).select_related("configuration").first()


def latest_ids(device_ids: Iterable[int]) -> dict[int, int]:
    """{device id: its latest version's id}, in one query."""
    rows = Backup.objects.filter(device__in=list(device_ids)).order_by("fetched_at", "pk")
    return dict(rows.values_list("device", "pk"))


def errors(device_ids: Iterable[int]) -> dict[int, str]:
    """{device id: what was said when it could not be fetched the last time}"""
    rows = BackupState.objects.filter(pk__in=list(device_ids)).exclude(error="")
    return dict(rows.values_list("pk", "error"))


def text_of(backup: Backup) -> str:
    """In clear, with its secrets: for putting back and for judging, never for a page."""
    content = backup.configuration.content or {}
    return str(content["text"])


def fetchable(device_ids: Iterable[int] | None = None) -> list[Device]:
    """Devices in service whose configuration can be fetched; of these ids, or of all."""
    rows = Device.objects.in_service().select_related("type").order_by("pk")
    chosen = rows if device_ids is None else rows.filter(pk__in=list(device_ids))
    try:
        platforms = get("backup").platforms
    except CatalogueError:
        return []
    return manageable(chosen.filter(type__platform__in=platforms))


def fetch(device_ids: Iterable[int], why: Why | None = None) -> dict[int, Backup]:
    """Fetch now and keep what is new: {device id: its version}. Who does not answer has the reason in its `BackupState`."""
    ids = [device.pk for device in fetchable(device_ids)]
    found: dict[int, Backup] = {}
    for start in range(0, len(ids), AT_ONCE):
        devices = Device.objects.filter(pk__in=ids[start : start + AT_ONCE]).select_related("type", "ssh_credential")
        found |= _fetch(list(devices), why or Why())
    return found


def _fetch(devices: Sequence[Device], why: Why) -> dict[int, Backup]:
    began, by_name = timezone.now(), {host_name(device): device for device in devices}
    failures = {device.pk: Failure("no-answer") for device in devices}
    found: dict[int, Backup] = {}
    for event in playing.play(playing.Reading("backup", devices)):
        device = by_name.get(event.get("host", ""))
        if device is None:
            continue
        if len(event.get("configuration", "")) > LARGEST:
            failures[device.pk] = Failure("too-long")
        elif "configuration" in event:
            found[device.pk] = store(device=device, text=event["configuration"], why=why)
        elif event["event"] in {"runner_on_failed", "runner_on_unreachable"}:
            failures[device.pk] = Failure("failed", event["message"][:300])
    for device in devices:
        if device.pk not in found:
            _remember(device, began, failures[device.pk])
    return found


def store(*, device: Device, text: str, why: Why) -> Backup:
    """A new version where the text differs from the last one, else the last one seen again."""
    now, platform = timezone.now(), device.type.platform
    digest = _digest(f"{platform}\n{normalised(text, platform)}")
    with transaction.atomic():
        Device.objects.select_for_update().filter(pk=device.pk).first()  # one after the other: no version twice
        last = latest(device)
        if last is not None and last.configuration.digest == digest:
            Backup.objects.filter(pk=last.pk).update(last_seen_at=now)
            last.last_seen_at = now
            backup = last
        else:
            backup = _new_version(device, _kept(device, digest, text), why, now)
            _tell(backup, first=last is None)
        _remember(device, now)
    return backup


def _digest(text: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _kept(device: Device, digest: str, text: str) -> Configuration:
    values = {"platform": device.type.platform, "content": {"text": text}, "size": len(text.encode("utf-8", "replace"))}
    return Configuration.objects.get_or_create(authority_id=device.authority_id, digest=digest, defaults=values)[0]


def _new_version(device: Device, configuration: Configuration, why: Why, now: datetime) -> Backup:
    return Backup.objects.create(
        authority_id=device.authority_id,
        site_id=device.site_id,
        device=device,
        configuration=configuration,
        kind=why.kind,
        change_id=why.change_id,
        fetched_at=now,
        last_seen_at=now,
    )


def _tell(backup: Backup, *, first: bool) -> None:
    scope = {"authority_id": backup.authority_id, "site_id": backup.site_id}
    payload = {"device_id": backup.device_id, "change_id": backup.change_id, "first": first}
    emit(Fact("backup.changed", backup, **scope, payload=payload))


def _remember(device: Device, at: datetime, failure: Failure | None = None) -> None:
    good = {} if failure else {"succeeded_at": at}
    said = failure or Failure()
    values = {"tried_at": at, "problem": said.problem, "error": said.error, **good}
    BackupState.objects.update_or_create(device=device, defaults=values)
    if not failure:
        met = BackupState.objects.filter(device=device, wanted_since__lte=at)
        met.update(wanted_since=None, after_change=None)


def want(*, device_ids: Iterable[int], change_id: int | None, now: datetime) -> None:
    """Have these fetched soon; whoever keeps backups finds them, also after a standstill."""
    for pk in device_ids:
        values = {"wanted_since": now, "after_change_id": change_id}
        BackupState.objects.update_or_create(device_id=pk, defaults=values)


def after_change(event: Event) -> None:
    """Consumer of `SEEN_ENDS`."""
    known = Change.objects.filter(pk=event.subject_id).exclude(playbook="backup").exists()
    touched = Target.objects.filter(change=event.subject_id).values_list("device_id", flat=True)
    begun = Run.objects.filter(change=event.subject_id, started_at__isnull=False).exclude(kind=Run.Kind.PREVIEW)
    if known and begun.exists():
        want(device_ids=list(touched), change_id=event.subject_id, now=event.occurred_at)
        transaction.on_commit(lambda: current_app.send_task("fleet.automation.keep_backups"), robust=True)


def keep(*, now: datetime | None = None) -> None:
    """What is due: after changes at once, else each device at its time of the night; any number of machines may do so.

    Goes on until nothing is due, and leaves the rest to the next tick after KEPT_AT_FOR_S.
    """
    moment, until = timezone.localtime(now or timezone.now()), time.monotonic() + KEPT_AT_FOR_S
    for devices in _due(moment):
        states = _states([device.pk for device in devices])
        for change_id, ids in _by_change(_claimed(devices, states, moment), states).items():
            fetch(ids, Why(Backup.Kind.CHANGE if change_id is not None else Backup.Kind.NIGHTLY, change_id))
        if time.monotonic() >= until:
            return


def _due(now: datetime) -> Iterator[list[Device]]:
    """AT_ONCE at a time, as they are when their turn comes: the longest wanted ones first."""
    ids = _perhaps_due(now)
    for start in range(0, len(ids), LOOKED_AT):
        part = ids[start : start + LOOKED_AT]
        states = _states(part)
        able = fetchable(pk for pk in part if is_due(_known(pk, states), now))
        able.sort(key=lambda device: part.index(device.pk))
        yield from (able[first : first + AT_ONCE] for first in range(0, len(able), AT_ONCE))


def _perhaps_due(now: datetime) -> list[int]:
    """Ids of devices that are wanted, then of those without a backup of this night; not of those that a run holds."""
    idle = Device.objects.in_service().exclude(type__platform="").filter(lock__isnull=True)
    wanted = idle.filter(backup_state__wanted_since__isnull=False).order_by("backup_state__wanted_since", "pk")
    unwanted = idle.filter(backup_state__wanted_since__isnull=True).order_by("pk")
    succeeded = Q(backup_state__succeeded_at__gte=night_of(now))
    return [pk for rows in (wanted, unwanted.exclude(succeeded)) for pk in rows.values_list("pk", flat=True)]


def _states(ids: Sequence[int]) -> dict[int, BackupState]:
    return {state.pk: state for state in BackupState.objects.filter(pk__in=ids).defer("verdicts")}


def _known(pk: int, states: dict[int, BackupState]) -> Known:
    state = states.get(pk)
    return Known(pk, state.tried_at, state.succeeded_at, state.wanted_since) if state else Known(pk)


def _claimed(due: Sequence[Device], states: dict[int, BackupState], now: datetime) -> list[int]:
    """Those that no other worker has taken meanwhile: compare and set on when it was last tried."""
    mine = []
    for device in due:
        state = states.get(device.pk)
        if state is None:
            mine += [device.pk] * BackupState.objects.get_or_create(device=device, defaults={"tried_at": now})[1]
        else:
            mine += [device.pk] * BackupState.objects.filter(pk=device.pk, tried_at=state.tried_at).update(tried_at=now)
    return mine


def _by_change(ids: Iterable[int], states: dict[int, BackupState]) -> dict[int | None, list[int]]:
    found: dict[int | None, list[int]] = {}
    for pk in ids:
        state = states.get(pk)
        found.setdefault(state.after_change_id if state else None, []).append(pk)
    return found


def prune(*, now: datetime | None = None) -> int:
    """Take away versions that are superfluous, and texts that nobody has any more; returns how many versions went."""
    moment = now or timezone.now()
    ids = list(Backup.objects.order_by("device").values_list("device", flat=True).distinct())
    gone = sum(_prune(ids[start : start + PRUNED_AT_ONCE], moment) for start in range(0, len(ids), PRUNED_AT_ONCE))
    _forget_texts()
    playing.sweep(moment.timestamp())
    return gone


def _prune(device_ids: Sequence[int], now: datetime) -> int:
    """Of these devices; on SQLite nobody else writes meanwhile, so never of a whole city at once."""
    versions: dict[int, list[tuple[int, datetime]]] = {}
    rows = Backup.objects.filter(device__in=device_ids).order_by("device")
    for pk, device_id, at in rows.values_list("pk", "device_id", "fetched_at"):
        versions.setdefault(device_id, []).append((pk, at))
    recent = Target.objects.filter(device__in=device_ids, change__created_at__gt=now - PUT_BACK_WITHIN)
    held = set(recent.filter(before__isnull=False).values_list("before", flat=True))
    gone = [pk for found in versions.values() for pk in superfluous(found, now) if pk not in held]
    with transaction.atomic():
        Backup.objects.filter(pk__in=gone).delete()
    return len(gone)


def _forget_texts() -> None:
    """Texts that no version has any more, some at a time."""
    while True:
        with transaction.atomic():
            batch = list(Configuration.objects.filter(backups__isnull=True).values_list("pk", flat=True)[:TEXTS_AT_ONCE])
            # Looked at again when they go: a device may have come to have one of them meanwhile.
            Configuration.objects.filter(pk__in=batch, backups__isnull=True).delete()
        if len(batch) < TEXTS_AT_ONCE:
            return


def restore(*, backup: Backup, by: User, reason: str = "") -> Change:
    """A change that puts this version back: with preview, approval and measuring as any other; asked twice, the one that is
    not over yet. Raises OrderError.
    """
    order = Order(
        playbook="restore",
        arguments={"backup": backup.pk},
        device_ids=[backup.device_id],
        requested_by=by,
        reason=reason,
        right=Action.REQUEST_CHANGE,
    )
    with transaction.atomic():
        Backup.objects.select_for_update(of=("self",)).get(pk=backup.pk)
        mine = Change.objects.filter(playbook="restore", arguments__backup=backup.pk, requested_by=by)
        return mine.exclude(state__in=ENDED).first() or request_change(order=order)


def given_to_playbook(change: Change) -> dict[str, str]:
    """What the playbook `restore` is given beside its arguments. Raises ForeignBackupError."""
    if change.playbook != "restore":
        return {}
    own = Backup.objects.filter(device__in=change.targets.values("device"), pk=change.arguments.get("backup"))
    backup = own.select_related("configuration").first()
    if backup is None:
        raise ForeignBackupError("there is no such backup of this device")
    return {"fleetdesk_configuration": text_of(backup)}
