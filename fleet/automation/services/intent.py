"""What devices should be: setting values at levels, and rendering them for a device."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from fleet.automation.declared import keys
from fleet.automation.models import Baseline, Change, Target, Zone
from fleet.automation.rules.intent import Intended, Layer, ValueProblemError, checked, merged, zone_of
from fleet.devices.models import Device
from fleet.events.services import Fact, emit
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.secrets.types import MASK
from fleet.sites.models import Authority, Site

ON_AIR = (Change.Box.PENDING, Change.Box.REVERTING)
BY_RIGHT = (
    *(Change.State.RUNNING, Change.State.VERIFYING, Change.State.PAUSED, Change.State.HALTED),
    *(Change.State.CONFIRMED, Change.State.UNKNOWN, Change.State.ROLLING_BACK),
)
"""Of a change that has been agreed to: what it says may be on its devices already, or still."""
SSID = "ssid"


class IntentError(ValueError):
    """The value cannot be set; `sentence` says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class StaleValueError(IntentError):
    """The value is no longer as it was read."""


ANY: Literal["any"] = "any"
"""Whatever stands there."""


@dataclass(frozen=True)
class Place:
    """Where a value is said: for the authority, or for one of the others within it."""

    authority: Authority
    platform: str = ""
    zone: Zone | None = None
    site: Site | None = None
    device: Device | None = None

    @property
    def level(self) -> Baseline.Level:
        if self.device:
            return Baseline.Level.DEVICE
        if self.site:
            return Baseline.Level.SITE
        if self.zone:
            return Baseline.Level.ZONE
        return Baseline.Level.PLATFORM if self.platform else Baseline.Level.AUTHORITY

    @property
    def word(self) -> str:
        place = self.device or self.site or self.zone
        whose = place.pk if place else self.platform
        return f"{self.level}:{whose}" if whose else self.level.value


def set_value(
    *, place: Place, key: str, value: Any, by: User | None = None, seen: datetime | Literal["any"] | None = ANY
) -> Baseline:
    """`seen`: when the value was set that is to be replaced; None: there was none. Raises IntentError, StaleValueError."""
    declared = keys().get(key)
    if declared is None:
        raise IntentError(_("There is no such setting."))
    try:
        good = checked(declared.type, value)
    except ValueProblemError as error:
        raise IntentError(str(error.sentence)) from error
    device = place.device
    values = {
        "level": place.level,
        "platform": place.platform,
        "zone": place.zone,
        "site": device.site if device else place.site,
        "device": device,
        "value": None if declared.secret else good,
        "secret_value": {"value": good} if declared.secret else None,
        "changed_at": timezone.now(),
        "changed_by": by,
    }
    where: dict[str, Any] = {"authority": place.authority, "place": place.word, "key": key}
    with transaction.atomic():
        there = Baseline.objects.select_for_update(of=("self",)).filter(**where).first()
        if seen not in {ANY, there.changed_at if there else None}:
            raise StaleValueError(_("It was changed meanwhile. Read it again, then decide."))
        row, _made = Baseline.objects.update_or_create(**where, defaults=values)
        _tell("wanted.set", row, by)
    return row


def forget(*, baseline: Baseline, by: User | None = None) -> bool:
    """Take a value away; what the broader levels say counts again. False: it is no longer as it was read."""
    with transaction.atomic():
        gone, _kinds = Baseline.objects.filter(pk=baseline.pk, changed_at=baseline.changed_at).delete()
        if gone:
            _tell("wanted.forgotten", baseline, by)
    return gone > 0


def _tell(name: str, row: Baseline, by: User | None) -> None:
    """Who has said what of which place; not the value, which may hold keys."""
    about = {"key": row.key, "level": row.level, "place": row.place, "device_id": row.device_id}
    emit(Fact(name, row, row.authority_id, row.site_id, by.pk if by else None, about))


def values_seen_by(user: User) -> QuerySet[Baseline]:
    """What concerns any place that this person sees in detail: its own values, and those of its authority."""
    scopes = {site.authority_id for site in Site.objects.allowing(user, Action.VIEW_DEVICE_DETAILS)}
    rows = Baseline.objects.filter(authority__in=scopes, site=None)
    rows = rows | Baseline.objects.allowing(user, Action.VIEW_DEVICE_DETAILS)
    return rows.select_related("site", "device__site", "zone", "authority", "changed_by")


def masked_value(baseline: Baseline) -> Any:
    """For pages and programs: a Wi-Fi without its key; of a key that is no longer declared nothing secret either."""
    if baseline.secret_value is None:
        return baseline.value
    value = value_of(baseline)
    if not isinstance(value, list):
        return MASK
    return [{**one, "psk": MASK if one.get("psk") else ""} if isinstance(one, dict) else MASK for one in value]


def value_of(baseline: Baseline) -> Any:
    """In clear, secrets too: for rendering, never for a page."""
    return baseline.value if baseline.secret_value is None else baseline.secret_value["value"]


def set_zone(*, authority: Authority, name: str, networks: Sequence[str]) -> Zone:
    """A new zone, or the networks of the one of this name. Raises IntentError."""
    if not name.strip():
        raise IntentError(_("A zone needs a name."))
    try:
        good = checked("networks", list(networks))
    except ValueProblemError as error:
        raise IntentError(str(error.sentence)) from error
    with transaction.atomic():
        return Zone.objects.update_or_create(authority=authority, name=name.strip()[:60], defaults={"networks": good})[0]


def forget_zone(*, zone: Zone) -> None:
    """Its values go with it; what the broader levels say counts again."""
    Zone.objects.filter(pk=zone.pk).delete()


def zone_at(device: Device) -> Zone:
    """The zone to which the device belongs. Raises IntentError where there is none."""
    zones = {zone.pk: zone for zone in Zone.objects.filter(authority=device.authority_id)}
    found = zone_of(device.address, {pk: zone.networks for pk, zone in zones.items()})
    if found is None:
        raise IntentError(_("This device belongs to no zone."))
    return zones[found]


def render(device: Device) -> Intended:
    return render_all([device])[device.pk]


def render_all(devices: Sequence[Device]) -> dict[int, Intended]:
    """{device id: what it should be}, in three queries. `devices` have their type selected."""
    authorities = {device.authority_id for device in devices}
    rows = list(Baseline.objects.filter(authority__in=authorities))
    zones: dict[int, dict[int, list[str]]] = {}
    for zone in Zone.objects.filter(authority__in=authorities):
        zones.setdefault(zone.authority_id, {})[zone.pk] = zone.networks
    passing = passing_wifis([device.pk for device in devices])
    found = {}
    for device in devices:
        zone_id = zone_of(device.address, zones.get(device.authority_id, {}))
        layers = (Layer(row.level, row.key, value_of(row)) for row in rows if _concerns(row, device, zone_id))
        found[device.pk] = merged(layers, passing.get(device.pk, {}))
    return found


def _concerns(row: Baseline, device: Device, zone_id: int | None) -> bool:
    if row.authority_id != device.authority_id:
        return False
    match row.level:
        case Baseline.Level.PLATFORM:
            return bool(row.platform == device.type.platform)
        case Baseline.Level.ZONE:
            return row.zone_id == zone_id
        case Baseline.Level.SITE:
            return bool(row.site_id == device.site_id)
        case Baseline.Level.DEVICE:
            return bool(row.device_id == device.pk)
    return True


def passing_wifis(device_ids: Iterable[int]) -> dict[int, dict[str, Change]]:
    """{device: {Wi-Fi: the change by which it is on or off for a while}}, from its beginning until it is taken back.

    Of several on one Wi-Fi the latest that has begun. The changes come without their secrets.
    """
    begins = Q(change__state=Change.State.APPROVED, change__starts_at__lte=timezone.now())
    active = Q(change__playbook=SSID, change__box__in=ON_AIR) & (Q(change__state__in=BY_RIGHT) | begins)
    rows = Target.objects.filter(active, device__in=list(device_ids))
    found: dict[int, dict[str, Change]] = {}
    for row in rows.select_related("change").defer("change__secret_arguments").order_by("change__starts_at", "change"):
        found.setdefault(row.device_id, {})[str(row.change.arguments.get("ssid", ""))] = row.change
    return found


def arguments_for(playbook: str, intended: Intended) -> dict[str, Any]:
    """What this playbook is given so that a device becomes as intended."""
    taken = {name: key.argument for name, key in keys().items() if key.playbook == playbook and key.argument}
    return {argument: intended.values[name] for name, argument in taken.items() if name in intended.values}


def wifi_arguments(ssid: str, intended: Intended) -> dict[str, Any]:
    """What the playbook `ssid` is given so that one Wi-Fi becomes as intended: on air like this, or off."""
    wifis: Sequence[Mapping[str, str]] = intended.values.get("wifis", ())
    wanted = next((one for one in wifis if one["ssid"] == ssid), None)
    if wanted is None:
        return {"ssid": ssid, "state": "absent"}
    taken = ("psk", "encryption", "network")
    return {"ssid": ssid, "state": "present", **{name: wanted[name] for name in taken}}
