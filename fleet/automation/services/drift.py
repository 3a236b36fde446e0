"""Comparing what devices have with what they should be, and what people decide about it.

Asks no device: their backups speak, and the nightly check (`services.checking`) brings what playbooks would change.
"""

import hashlib
import hmac
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from fleet.automation.declared import keys, places, rules
from fleet.automation.models import Backup, BackupState, Baseline, Change, Drift
from fleet.automation.rules.drifts import CHECK, SSID, Subject, adds, subject
from fleet.automation.rules.intent import WIFIS, Intended, Place, differences, on_device
from fleet.automation.services import backups, compliance
from fleet.automation.services import intent as intents
from fleet.automation.services.intent import IntentError, render, render_all
from fleet.automation.services.ordering import Order, request_change
from fleet.automation.services.turns import apart
from fleet.devices.models import Device
from fleet.events.models import Event
from fleet.events.services import Fact, emit
from fleet.people.models import User
from fleet.people.rules import Action

LIVE = (Drift.State.OPEN, Drift.State.IGNORED, Drift.State.RESTORED)
BATCH = 50
UNDER_WAY = frozenset({"previewing", "awaiting-approval", "approved", "running", "verifying", "paused", "rolling-back"})


def drift_count(user: User) -> int:
    """How many differences wait for somebody's decision, as far as this person sees them."""
    return Drift.objects.allowing(user, Action.VIEW_DEVICE_DETAILS).filter(state=Drift.State.OPEN).count()


def after_backup(event: Event) -> None:
    """Consumer of `backup.changed`: compare at once."""
    compare([event.payload["device_id"]])


def compare_all() -> None:
    """Every device of which there is a backup, some at a time; one that cannot be compared holds up no other."""
    ids = list(Backup.objects.order_by("device").values_list("device", flat=True).distinct())
    for start in range(0, len(ids), BATCH):
        compare(ids[start : start + BATCH])


def compare(device_ids: Iterable[int], *, now: datetime | None = None) -> None:
    moment = now or timezone.now()
    devices = list(Device.objects.in_service().filter(pk__in=list(device_ids)).select_related("type"))
    wanted, latest = render_all(devices), backups.latest_ids([device.pk for device in devices])
    known = dict(BackupState.objects.filter(pk__in=latest).values_list("pk", "compared"))
    moving, stale = _moving(latest, moment), _changed_since(latest)
    marks = {device.pk: _mark(latest.get(device.pk), wanted[device.pk]) for device in devices}
    same = {pk for pk, mark in marks.items() if known.get(pk) == mark} - moving
    _still_seen(same)
    for device in devices:
        if device.pk not in latest or device.pk in same | stale:
            continue
        with apart("compare", device_id=device.pk):  # an unreadable backup or value is not the others' trouble
            _compare(device, wanted[device.pk], moment)
            compliance.judge(device, wanted[device.pk])
            BackupState.objects.filter(pk=device.pk).update(compared=marks[device.pk])


def _still_seen(device_ids: Iterable[int]) -> None:
    """Nothing is new, so what differed did so still when the device's configuration was fetched last."""
    fetched = BackupState.objects.filter(pk=OuterRef("device")).values("succeeded_at")[:1]
    rows = Drift.objects.filter(device__in=list(device_ids), device__backup_state__succeeded_at__isnull=False)
    rows.filter(state__in=LIVE).update(last_seen_at=Subquery(fetched))


def _moving(device_ids: Iterable[int], now: datetime) -> set[int]:
    """Devices with a difference whose state may change although nothing else does: a day is over, a change has ended."""
    over = Q(state=Drift.State.IGNORED, ignored_until__lt=timezone.localdate(now)) | Q(state=Drift.State.RESTORED)
    return set(Drift.objects.filter(over, device__in=list(device_ids)).values_list("device", flat=True))


def _changed_since(device_ids: Iterable[int]) -> set[int]:
    """A change has ended on these since: what they had before it says nothing, and is fetched anew soon."""
    return set(BackupState.objects.filter(pk__in=list(device_ids), wanted_since__isnull=False).values_list("pk", flat=True))


def _mark(backup_id: int | None, intended: Intended) -> str:
    """Keyed, since what is wanted holds Wi-Fi keys; another release may compare more, so its tables count too."""
    tables = {name: (key.type, key.where) for name, key in keys().items()}
    said = json.dumps([backup_id, dict(intended.values), sorted(intended.passing_wifis), tables, sorted(rules())])
    return hmac.new(settings.SECRET_KEY.encode(), said.encode(), hashlib.sha256).hexdigest()


def _compare(device: Device, intended: Intended, now: datetime) -> None:
    backup = backups.latest(device)
    known = [place for place in places(device.type.platform) if place.key in intended.values]
    if backup is None:
        return
    text = backups.text_of(backup) if known else ""
    found = {one.key: one.diff for one in differences(intended, text, device.type.platform, known)}
    with transaction.atomic():
        rows = _live(device).exclude(key__startswith=CHECK)
        follow(device, rows, found, seen_at=backup.last_seen_at, now=now)


def _live(device: Device) -> QuerySet[Drift]:
    return Drift.objects.select_for_update().filter(device=device, state__in=LIVE)


def after_check(device: Device, *, differing: Mapping[str, str], unknown: Collection[str], began: datetime) -> int:
    """What the nightly check has seen on a device: {key: diff}, and of which keys it cannot tell. Returns how many differ.

    What nothing asks for any more is gone.
    """
    with transaction.atomic():
        rows = _live(device).filter(key__startswith=CHECK).exclude(key__in=unknown)
        follow(device, rows, differing, seen_at=began, now=timezone.now())
    return len(differing)


def told(device_ids: Collection[int]) -> dict[int, set[str]]:
    """{device id: keys of what its backup shows as a difference now}, whatever was decided about it."""
    rows = Drift.objects.filter(device__in=device_ids, state__in=LIVE).exclude(key__startswith=CHECK)
    found: dict[int, set[str]] = {pk: set() for pk in device_ids}
    for pk, key in rows.values_list("device", "key"):
        found[pk].add(key)
    return found


def follow(device: Device, rows: Iterable[Drift], found: Mapping[str, str], *, seen_at: datetime, now: datetime) -> None:
    """Bring live `rows` (locked) to what was found at `seen_at`: {key: diff}; what is not among it is gone."""
    known = set()
    for row in rows:
        known.add(row.key)
        _bring_up_to_date(row, found.get(row.key), seen_at, now)
    for key in found.keys() - known:
        _open(device, key, found[key], now)


def _bring_up_to_date(row: Drift, diff: str | None, seen_at: datetime, now: datetime) -> None:
    if diff is None:
        row.state = Drift.State.GONE
    else:
        if _open_again(row, diff, seen_at, now):
            row.state = Drift.State.OPEN
        row.diff, row.last_seen_at = diff, seen_at
    row.save(update_fields=["state", "diff", "last_seen_at"])


def _open_again(row: Drift, diff: str, seen_at: datetime, now: datetime) -> bool:
    """A playbook's difference tells of several settings: whoever ignored it has not seen what has come to it since."""
    if row.state == Drift.State.IGNORED:
        over = row.ignored_until is not None and row.ignored_until < timezone.localdate(now)
        return over or (row.key.startswith(CHECK) and adds(diff, row.diff))
    return row.state == Drift.State.RESTORED and not _under_way(row.change, seen_at)


def _under_way(change: Change | None, seen_at: datetime) -> bool:
    """Until somebody has looked after the change's end, a difference that is being restored stays so."""
    return change is not None and (change.state in UNDER_WAY or seen_at <= change.state_since)


def _open(device: Device, key: str, diff: str, now: datetime) -> None:
    scope = {"authority_id": device.authority_id, "site_id": device.site_id}
    row = Drift.objects.create(**scope, device=device, key=key, diff=diff, first_seen_at=now, last_seen_at=now)
    emit(Fact("drift.found", row, **scope, payload={"device_id": device.pk, "key": row.key}))


def adopt(*, drift: Drift, level: str, by: User) -> list[Baseline]:
    """What the device has becomes what is wanted, for this device or for its whole school, zone, platform or authority.

    Raises IntentError.
    """
    device, about, backup = drift.device, subject(drift.key), backups.latest(drift.device)
    found = [one for one in places(device.type.platform) if one.key in _settings(about, device)]
    if not found or backup is None:
        raise IntentError(_("It is not known what the device has."))
    text, where, made = backups.text_of(backup), _place(device, level), []
    with transaction.atomic():
        for place in found:
            has = on_device(text, device.type.platform, place)
            if value := _adopted(drift, about, place, has):
                made.append(intents.set_value(place=where, key=place.key, value=value, by=by))
        if not made:
            raise IntentError(_("It is not known what the device has."))
        _decide(drift, Drift.State.ADOPTED, by)
    return made


def _settings(about: Subject, device: Device) -> set[str]:
    """The settings of `intent.toml` that a difference is about. What differs by itself is decided on by itself."""
    if about.ssid:
        return {WIFIS}
    if about.key:
        return {about.key}
    return {name for name, key in keys().items() if key.playbook == about.playbook} - told([device.pk])[device.pk]


def _adopted(drift: Drift, about: Subject, place: Place, has: Any) -> Any:
    """Of Wi-Fis only the one in question is taken over; of what a whole playbook sets, what is there."""
    if place.kind != WIFIS:
        return has
    wanted: Sequence[dict[str, str]] = render(drift.device).values.get(WIFIS, [])
    sent = [one for one in has if one["ssid"] == about.ssid]
    if len(sent) > 1:
        raise IntentError(_("The radios of the device send this Wi-Fi in different ways, and only one can be wanted."))
    return [one for one in wanted if one["ssid"] != about.ssid] + sent


def _place(device: Device, level: str) -> intents.Place:
    match level:
        case Baseline.Level.DEVICE:
            return intents.Place(device.authority, device=device)
        case Baseline.Level.SITE:
            return intents.Place(device.authority, site=device.site)
        case Baseline.Level.ZONE:
            return intents.Place(device.authority, zone=intents.zone_at(device))
        case Baseline.Level.PLATFORM:
            return intents.Place(device.authority, platform=device.type.platform)
    return intents.Place(device.authority)


def restore(*, drift: Drift, by: User) -> Change:
    """A change that makes the device as it should be. Raises IntentError where no playbook can, OrderError."""
    order = _restoring(drift, by)
    with transaction.atomic():  # who comes second asks for nothing
        _decide(drift, Drift.State.RESTORED, by)
        change = request_change(order=order)
        Drift.objects.filter(pk=drift.pk).update(change=change)
    return change


def _restoring(drift: Drift, by: User) -> Order:
    about, intended = subject(drift.key), render(drift.device)
    playbook = playbook_for(about)
    if not playbook:
        raise IntentError(_("No playbook sets this. Please set it on the device by hand, or adopt it."))
    wanted_by = intents.passing_wifis([drift.device_id]).get(drift.device_id, {}).get(about.ssid)
    if wanted_by is not None:
        arguments = {**wanted_by.arguments, **(wanted_by.secret_arguments or {})}
    elif about.ssid:
        arguments = intents.wifi_arguments(about.ssid, intended)
    else:
        arguments = intents.arguments_for(playbook, intended.without(_ignored(drift)))
    return Order(
        playbook=playbook,
        arguments=arguments,
        device_ids=[drift.device_id],
        requested_by=by,
        ends_at=wanted_by.ends_at if wanted_by else None,
        reason=_("Differs from what was set: %(key)s") % {"key": about.ssid or about.key or about.playbook},
        right=Action.REQUEST_CHANGE,
    )


def _ignored(drift: Drift) -> set[str]:
    """Settings of the device that are to stay as they are for now, whatever else the same playbook brings back."""
    rows = Drift.objects.filter(device=drift.device_id, state=Drift.State.IGNORED).exclude(pk=drift.pk)
    return set(rows.values_list("key", flat=True))


def playbook_for(about: Subject) -> str:
    """Which playbook brings it back; empty where none does."""
    if about.ssid:
        return SSID
    return about.playbook or (keys()[about.key].playbook if about.key in keys() else "")


def ignore(*, drift: Drift, until: date, reason: str, by: User) -> None:
    """Not shown as open until that day is over. Raises IntentError."""
    if not reason.strip():
        raise IntentError(_("Please say why."))
    if until < timezone.localdate():
        raise IntentError(_("The day has passed."))
    _decide(drift, Drift.State.IGNORED, by, ignored_until=until, reason=reason.strip()[:300])


def _decide(drift: Drift, state: Drift.State, by: User, **also: Any) -> None:
    """Compare and set: who comes second has decided on something that is no longer so."""
    open_rows = Drift.objects.filter(pk=drift.pk, state__in=[Drift.State.OPEN, Drift.State.IGNORED])
    if open_rows.update(state=state, decided_by=by, **also) != 1:
        raise IntentError(_("This was decided meanwhile. Please look at it again."))
