"""Judging the latest backups by the rules. Verdicts are kept: a report of a whole city opens no backup."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from fleet.automation.declared import keys, rules
from fleet.automation.models import Backup, BackupState
from fleet.automation.rules.compliance import Declared, Verdict, facts, judged
from fleet.automation.rules.intent import Intended
from fleet.automation.services import backups
from fleet.devices.models import Device, DeviceQuerySet
from fleet.secrets.crypto import UndecipherableError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Judgement:
    """How a device stands to every rule; all unknown where there is no backup."""

    device: Device
    backup_id: int | None
    verdicts: dict[str, Verdict]


def judge(device: Device, intended: Intended) -> dict[str, Verdict]:
    """By the latest backup, and keep it."""
    values = intended.values
    declared = Declared(values.get("guest_wifis", ()), values.get("admin_networks", ()))
    verdicts = judged(facts(_text(backups.latest(device)), device.type.platform), declared)
    BackupState.objects.filter(device=device).update(verdicts=verdicts)
    return verdicts


def _text(backup: Backup | None) -> str | None:
    """None where it cannot be opened: then nothing is known."""
    try:
        return backups.text_of(backup) if backup else None
    except UndecipherableError:
        log.exception("a configuration cannot be opened")
        return None


def judged_devices() -> DeviceQuerySet:
    """Devices in service of platforms whose configuration we read."""
    platforms = {platform for key in keys().values() for platform in key.where}
    return Device.objects.in_service().filter(type__platform__in=platforms)


def report(devices: Sequence[Device]) -> list[Judgement]:
    """One each, in two queries."""
    ids = [device.pk for device in devices]
    known = dict(BackupState.objects.filter(pk__in=ids).values_list("pk", "verdicts"))
    newest = backups.latest_ids(ids)
    return [
        Judgement(
            device,
            newest.get(device.pk),
            {name: Verdict(known.get(device.pk, {}).get(name, Verdict.UNKNOWN)) for name in rules()},
        )
        for device in devices
    ]
