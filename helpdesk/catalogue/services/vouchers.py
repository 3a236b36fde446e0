"""Handing out the key of a Wi-Fi: to whoever ordered it and to the school's coordinators, each time written down."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from fleet.automation.catalogue import CatalogueError, Playbook, Voucher, all_playbooks
from fleet.automation.models import Change, Drift, Target
from fleet.automation.models.changes import ChangeQuerySet
from fleet.events.models import Event
from fleet.events.services import Fact, emit
from fleet.people.models import User
from fleet.people.rules import Action, Role
from fleet.secrets.types import Secret
from fleet.sites.models import Site

State, Box = Change.State, Change.Box
PRINTED = "change.voucher-printed"
ON_ITS_WAY = {State.APPROVED, State.RUNNING, State.VERIFYING, State.CONFIRMED}
MOST = 20


@dataclass(frozen=True)
class Printable:
    """A key that is in force, or will be for a time that has been agreed to."""

    change: Change
    ssid: str
    places: tuple[Site, ...]
    argument: str
    """The secret argument that is the key."""

    @property
    def key(self) -> Secret:
        return Secret(str((self.change.secret_arguments or {})[self.argument]))


def printable(*, user: User, change_id: int) -> Printable | None:
    """None where this is no such change, where its key does not hold, or where it is not for this person."""
    change = _in_force(user).filter(pk=change_id).first()
    return _printable(user, change) if change else None


def printable_at(*, user: User, site_id: int) -> list[Printable]:
    """The keys in force at a school, the newest first."""
    touching = Target.objects.filter(change=OuterRef("pk"), device__site=site_id)
    rows = _in_force(user).filter(Exists(touching)).order_by("-state_since")[:MOST]
    return [found for change in rows if (found := _printable(user, change))]


def handed_out(*, voucher: Printable, to: User) -> Secret:
    """The key itself; who got it when is an event that nobody can leave out."""
    change = voucher.change
    with transaction.atomic():
        emit(Fact(PRINTED, change, change.authority_id, change.site_id, to.pk, {"ssid": voucher.ssid}))
        return voucher.key


def handovers(change_id: int) -> list[tuple[str, Event]]:
    """[(who, event)], the latest first: for whoever may print it, and for the audit."""
    rows = list(
        Event.objects.filter(subject_type=Change._meta.label_lower, subject_id=change_id, name=PRINTED).order_by("-id")[
            :MOST
        ]
    )
    people = {one.pk: str(one) for one in User.objects.filter(pk__in={row.actor_id for row in rows})}
    return [(people.get(row.actor_id or 0, "–"), row) for row in rows]


def _in_force(user: User) -> ChangeQuerySet:
    """What stays has to be measured first; what has an end is printed beforehand, so that it hangs there when it begins."""
    stays = Q(ends_at__isnull=True, state=State.CONFIRMED)
    ends = Q(box=Box.PENDING, state__in=ON_ITS_WAY)
    slugs = [one.slug for one in _playbooks()]
    return Change.objects.visible_to(user).filter(stays | ends, playbook__in=slugs, secret_arguments__isnull=False)


def _playbooks() -> Iterable[Playbook]:
    try:
        return [one for one in all_playbooks() if one.voucher]
    except CatalogueError:
        return []


def _voucher(slug: str) -> Voucher | None:
    return next((one.voucher for one in _playbooks() if one.slug == slug), None)


def _printable(user: User, change: Change) -> Printable | None:
    voucher = _voucher(change.playbook)
    if voucher is None or not voucher.fits(change.arguments):
        return None
    ssid, key = change.arguments.get(voucher.ssid), (change.secret_arguments or {}).get(voucher.key)
    places = tuple(Site.objects.filter(pk__in=change.targets.values("device__site")).order_by("name"))
    if not ssid or not key or not _theirs(user, change, places) or _replaced(change, ssid) or _from_elsewhere(change):
        return None
    return Printable(change, ssid, places, voucher.key)


def _from_elsewhere(change: Change) -> bool:
    """Whether the key was given by somebody else than who asked for this change: by what is wanted of a whole city (a
    difference that was put right), or by whoever ordered the change that this one begins anew."""
    if Drift.objects.filter(change=change).exists():
        return True
    before = change.relaunch_of
    while before is not None:
        if before.requested_by_id != change.requested_by_id or Drift.objects.filter(change=before).exists():
            return True
        before = before.relaunch_of
    return False


def _theirs(user: User, change: Change, places: Iterable[Site]) -> bool:
    here = {change.authority_id, *(site.pk for site in places)}
    ordered = change.requested_by_id == user.pk and not user.access.scopes(Action.ORDER_SERVICE).isdisjoint(here)
    return ordered or not user.access.scopes_as([Role.COORDINATOR]).isdisjoint(here)


def _replaced(change: Change, ssid: str) -> bool:
    """Whether a later change, not taken back since, has set this Wi-Fi anew or off on one of the same devices."""
    same = Target.objects.filter(change=OuterRef("pk"), device__in=change.targets.values("device"))
    later = Change.objects.filter(
        Exists(same),
        playbook__in=[one.slug for one in _playbooks()],
        state=State.CONFIRMED,
        state_since__gt=change.state_since,
    )
    names = {one.slug: one.voucher.ssid for one in _playbooks() if one.voucher}
    found = later.exclude(pk=change.pk).exclude(box=Change.Box.REVERTED).values_list("playbook", "arguments")
    return any(arguments.get(names[slug]) == ssid for slug, arguments in found)
