"""What an approval is about, reckoned from the rows as they are: playbook, arguments, end, and who the devices are."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import QuerySet

from fleet.automation.catalogue import CatalogueError, get
from fleet.automation.models import Change, HostResult, Target
from fleet.automation.rules.arguments import digest
from fleet.devices.models import Device

Row = TypeVar("Row", Target, HostResult)
FACTS = ("pk", "type__platform", "address", "ssh_host_key")


def of(playbook_digest: str, arguments: Mapping[str, Any], device_ids: Iterable[int], ends_at: datetime | None) -> str:
    """A change's digest: of each device its number, platform, address and host key count."""
    devices = list(Device.objects.filter(pk__in=device_ids).values_list(*FACTS))
    return digest(playbook_digest, arguments, devices, ends_at=ends_at, key=settings.SECRET_KEY)


def renew(change: Change) -> None:
    """The digest as everything is now. The change's row is locked."""
    change.digest = of(change.playbook_digest, _arguments(change), _device_ids(change), change.ends_at)
    change.save(update_fields=["digest"])


def is_another(change: Change) -> bool:
    """Whether it is not what the digest was made of. With an older key, and as the number of each device alone, as changes
    were asked for until 0.1, it counts too."""
    ids = _device_ids(change)
    devices = list(Device.objects.filter(pk__in=ids).values_list(*FACTS))
    arguments = _arguments(change)
    return not any(
        digest(change.playbook_digest, arguments, targets, ends_at=change.ends_at, key=key) == change.digest
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        for targets in (devices, ids)
    )


def _arguments(change: Change) -> dict[str, Any]:
    secret = Change.objects.only("secret_arguments").get(pk=change.pk).secret_arguments or {}
    return {**change.arguments, **secret}


def _device_ids(change: Change) -> list[int]:
    return list(change.targets.values_list("device_id", flat=True))


def unfit(rows: QuerySet[Row], change: Change) -> QuerySet[Row]:
    """Of devices that are out of service, or that the playbook cannot be played on any more."""
    try:
        platforms = get(change.playbook).platforms
    except CatalogueError:  # it fails by itself
        return rows.none()
    return rows.exclude(device__lifecycle=Device.Lifecycle.ACTIVE, device__type__platform__in=platforms)
