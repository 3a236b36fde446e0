"""The nightly check: what is wanted of a site's devices, played in check mode. Nothing is written to any device.

What is wanted are the values of the base configuration and what time-boxed changes have put on a device. What a playbook
would change there is a difference like those of the backups, with its diff.
"""

import json
import logging
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from fleet.automation.catalogue import CatalogueError, Playbook, get
from fleet.automation.declared import keys
from fleet.automation.inventory import host_name, manageable
from fleet.automation.models import Backup, Baseline, Change, DeviceLock, HostResult, Run, SiteCheck
from fleet.automation.rules.arguments import ArgumentsError, validated
from fleet.automation.rules.configurations import CHANGED, masked
from fleet.automation.rules.drifts import SSID, Subject
from fleet.automation.rules.intent import Intended, unified
from fleet.automation.rules.keeping import NIGHT, night_of, turn
from fleet.automation.services import backups, drift, intent, playing
from fleet.automation.services.backups import Why
from fleet.automation.services.leases import kept, lease
from fleet.devices.models import Device
from fleet.sites.models import Site

log = logging.getLogger(__name__)
AT_ONCE = 2
"""Sites that are checked at the same time, on all machines together: changes have the other workers."""
KEPT = timedelta(days=90)
FAILED = frozenset({"runner_on_failed", "runner_on_unreachable"})


class TakenOverError(Exception):
    """Another worker has the check: it took us for dead."""


@dataclass(frozen=True)
class Ask:
    """A playbook with the arguments by which a device should already be as it is wanted."""

    key: str
    """Of the difference, if there is one."""
    playbook: Playbook
    arguments: Mapping[str, Any]

    @property
    def mark(self) -> str:
        """Alike for devices of which the same is wanted."""
        return json.dumps([self.key, dict(self.arguments)], sort_keys=True, default=str)

    @property
    def secrets(self) -> list[str]:
        return [str(self.arguments[name]) for name in self.playbook.secret_names if self.arguments.get(name)]


@dataclass
class Seen:
    """What the check has found on one device."""

    differing: dict[str, str] = field(default_factory=dict)
    """{key of the difference: diff}"""
    unknown: set[str] = field(default_factory=set)
    said: str = ""
    """By a device that could not be looked at."""


@dataclass
class Heard:
    """What one playbook has told of one device."""

    answered: bool = False
    failed: str = ""
    diffs: list[dict[str, str]] = field(default_factory=list)


def check_due(*, now: datetime | None = None) -> None:
    """Check what is due this night, site by site. Any number of machines may do so at once."""
    moment = timezone.localtime(now or timezone.now())
    while (row := _claimed(moment)) is not None:
        _see_through(row)
        moment = timezone.localtime(now or timezone.now())
    SiteCheck.objects.filter(night__lt=(moment - KEPT).date()).delete()


def _see_through(row: SiteCheck) -> None:
    try:
        with kept(lambda: _hold(row)):
            check(row)
    except TakenOverError:
        log.warning("a site's check was taken over", extra={"site_id": row.site_id})
        return
    except Exception:  # one site's trouble is not the others'
        log.exception("site cannot be checked", extra={"site_id": row.site_id})
        row.failed = True
    _finish(row)


def _claimed(moment: datetime) -> SiteCheck | None:
    """The next site's check, now ours: by inserting its row, or by compare-and-set on one whose worker is gone."""
    night = night_of(moment)
    if moment >= night + NIGHT:
        return None
    if SiteCheck.objects.filter(night=night.date(), finished_at=None, lease_until__gt=moment).count() >= AT_ONCE:
        return None
    return _taken_over(night.date(), moment) or _begun(night, moment)


def _taken_over(night: date, moment: datetime) -> SiteCheck | None:
    """A check whose worker has not prolonged its lease."""
    abandoned = SiteCheck.objects.filter(night=night, finished_at=None).exclude(lease_until__gt=moment)
    for row in abandoned.select_related("site")[:AT_ONCE]:
        as_it_was = abandoned.filter(pk=row.pk, token=row.token)
        row.token, row.begun_at, row.lease_until = uuid.uuid4(), moment, lease(moment)
        if as_it_was.update(token=row.token, begun_at=row.begun_at, lease_until=row.lease_until) == 1:
            return row
    return None


def _begun(night: datetime, moment: datetime) -> SiteCheck | None:
    waiting = _sites().exclude(sitechecks__night=night.date()).annotate(last=Max("sitechecks__night"))
    for site in waiting.order_by(F("last").asc(nulls_first=True), "pk"):  # who had no turn last night comes first
        if turn(site.pk, night) <= moment:
            values = {"authority_id": site.authority_id, "begun_at": moment, "lease_until": lease(moment)}
            row, made = SiteCheck.objects.get_or_create(site=site, night=night.date(), defaults=values)
            if made:
                return row
    return None


def _sites() -> QuerySet[Site]:
    """Those where something is wanted of devices in service."""
    somewhere = Baseline.objects.filter(authority=OuterRef("authority"))
    return Site.objects.filter(Exists(somewhere), Exists(Device.objects.in_service().filter(site=OuterRef("pk"))))


def check(row: SiteCheck) -> None:
    """Fetch what the site's devices have, compare, and play what is wanted of each in check mode. Fills in the row."""
    began = timezone.now()
    devices = _free(manageable(Device.objects.in_service().filter(site=row.site_id).select_related("type").order_by("pk")))
    ids = [device.pk for device in devices]
    backups.fetch(ids, Why(Backup.Kind.NIGHTLY))
    _still_mine(row)
    drift.compare(ids)
    found = look(devices, before_each=lambda: _still_mine(row))
    _still_mine(row)
    meddled = _changed_since(ids, began)
    row.differing = sum(_note(device, found[device.pk], began) for device in devices if device.pk not in meddled)
    row.devices = len(devices)
    row.unanswered = {str(pk): seen.said for pk, seen in found.items() if seen.said}
    log.info("site checked", extra={"site_id": row.site_id, "devices": row.devices, "differing": row.differing})


def _hold(row: SiteCheck) -> bool:
    """Prolong the lease; False when the check is another worker's by now."""
    mine = SiteCheck.objects.filter(pk=row.pk, token=row.token, finished_at=None)
    return mine.update(lease_until=lease(timezone.now())) == 1


def _still_mine(row: SiteCheck) -> None:
    """Raises TakenOverError."""
    if not _hold(row):
        raise TakenOverError


def _finish(row: SiteCheck) -> None:
    """Unless another worker has taken it meanwhile."""
    told = {name: getattr(row, name) for name in ("devices", "differing", "unanswered", "failed")}
    SiteCheck.objects.filter(pk=row.pk, token=row.token).update(finished_at=timezone.now(), lease_until=None, **told)


def _note(device: Device, seen: Seen, began: datetime) -> bool:
    return drift.after_check(device, differing=seen.differing, unknown=seen.unknown, began=began) > 0


def _free(devices: Sequence[Device]) -> list[Device]:
    """Without those that a change is at work on."""
    busy = set(DeviceLock.objects.filter(device__in=[device.pk for device in devices]).values_list("device_id", flat=True))
    return [device for device in devices if device.pk not in busy]


def _changed_since(device_ids: Sequence[int], began: datetime) -> set[int]:
    """A change has touched them meanwhile: nobody can tell what of it was seen."""
    during = Q(run__finished_at__gte=began) | Q(run__finished_at=None, run__started_at__isnull=False)
    rows = HostResult.objects.filter(during, device__in=device_ids).exclude(run__kind=Run.Kind.PREVIEW)
    return set(rows.values_list("device_id", flat=True))


def look(devices: Sequence[Device], *, before_each: Callable[[], None] = lambda: None) -> dict[int, Seen]:
    """{device id: what playing what is wanted of it would change}

    What the backup shows as a difference by itself, whatever is decided about it, is not looked for again: so it hides
    nothing else that the playbook would change.
    """
    ids = [device.pk for device in devices]
    wanted, boxed, told = intent.render_all(devices), intent.passing_wifis(ids), drift.told(ids)
    groups: dict[str, tuple[Ask, list[Device]]] = {}
    for device in devices:
        for ask in _asks(device, wanted[device.pk].without(told[device.pk]), boxed.get(device.pk, {}), told[device.pk]):
            groups.setdefault(ask.mark, (ask, []))[1].append(device)
    found = {device.pk: Seen() for device in devices}
    for ask, members in groups.values():
        for start in range(0, len(members), backups.AT_ONCE):
            before_each()
            _play(ask, members[start : start + backups.AT_ONCE], found)
    return found


def _asks(device: Device, wanted: Intended, boxed: Mapping[str, Change], told: Collection[str]) -> Iterator[Ask]:
    """Without the Wi-Fis that are wanted for good: the backup shows each of them, in whatever section and network it is."""
    for slug in sorted({key.playbook for key in keys().values() if key.argument}):
        yield from _ask(Subject(playbook=slug, by_check=True), device, intent.arguments_for(slug, wanted))
    for ssid, change in boxed.items():
        by_the_backup = str(Subject(ssid=ssid)) in told
        if change.state == Change.State.CONFIRMED and change.box == Change.Box.PENDING and not by_the_backup:
            about = Subject(ssid=ssid, playbook=SSID, by_check=True)
            yield from _ask(about, device, {**change.arguments, **(change.secret_arguments or {})})


def _ask(about: Subject, device: Device, arguments: Mapping[str, Any]) -> Iterator[Ask]:
    """Nothing where it cannot be asked: not made for this platform, not honest in check mode, or a value is not set."""
    try:
        playbook = get(about.playbook)
        given = validated(playbook, arguments) if arguments else {}
    except (CatalogueError, ArgumentsError):
        return
    if given and device.type.platform in playbook.platforms and playbook.check_mode == "honest":
        yield Ask(str(about), playbook, given)


def _play(ask: Ask, devices: Sequence[Device], found: dict[int, Seen]) -> None:
    rows = Device.objects.filter(pk__in=[device.pk for device in devices]).select_related("type", "ssh_credential")
    ready = manageable(rows)
    heard = {host_name(device): Heard() for device in ready}
    for event in playing.play(playing.Reading(ask.playbook.slug, ready, dict(ask.arguments), ask.secrets)):
        if one := heard.get(event.get("host", "")):
            _hear(event, one)
    for device in ready:
        _settle(ask.key, device.type.platform, heard[host_name(device)], found[device.pk])


def _hear(event: Mapping[str, Any], one: Heard) -> None:
    if event["event"] in FAILED and not event["ignored"]:
        one.failed = event["message"][:300] or "–"
    elif event["event"] == "runner_on_ok":
        one.answered = True
        if event["changed"]:
            one.diffs += event["diff"] or [{"before": "", "after": event["task"]}]


def _settle(key: str, platform: str, one: Heard, seen: Seen) -> None:
    if one.failed or not one.answered:
        seen.unknown.add(key)
        seen.said = seen.said or one.failed or "–"
    elif one.diffs:
        pairs = ((masked(diff["after"], platform), masked(diff["before"], platform)) for diff in one.diffs)
        seen.differing[key] = unified(pairs) or CHANGED
