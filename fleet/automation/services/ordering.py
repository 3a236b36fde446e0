"""Asking for a change: validated against the playbook, resolved against what the person may see, written once."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fleet.automation.catalogue import CatalogueError, Playbook, get
from fleet.automation.end_words import TAKES_AWAY, no_end
from fleet.automation.inventory import manageable
from fleet.automation.models import Change, Run
from fleet.automation.rules.arguments import ArgumentsError, validated
from fleet.automation.rules.rollout import Strategy, StrategyError
from fleet.automation.services import subject
from fleet.automation.services.composing import takes_away
from fleet.automation.services.decisions import agree_beforehand
from fleet.automation.services.policy import approvals_for
from fleet.automation.services.rollouts.planning import arrange, limited, planned
from fleet.automation.services.telling import move, queue_run, tell
from fleet.devices.models import Device
from fleet.people.models import User
from fleet.people.rules import Action, Role
from fleet.sites.models import Authority, Site
from fleet.web.instants import far_problem


class OrderError(ValueError):
    """The order cannot be taken. `problems`: {argument name, `targets`, `starts_at`, `ends_at` or `playbook`: sentence}."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {problem}" for field, problem in problems.items()))
        self.problems = problems


@dataclass(frozen=True)
class Order:
    playbook: str
    arguments: dict[str, Any]
    device_ids: Sequence[int]
    requested_by: User
    starts_at: datetime | None = None
    """None: as soon as it may."""
    ends_at: datetime | None = None
    """When it is taken back; None: it stays."""
    reason: str = ""
    idempotency_key: str | None = None
    right: Action = Action.ORDER_SERVICE
    """What the person must be allowed to do on every target."""
    strategy: Strategy | None = None
    """How it goes out; None: as is usual for so many devices, and nobody is waited for."""
    matched: bool = False
    """The devices were found by a filter: none of them is no mistake, there is just nothing to do."""
    home: tuple[int, int | None] | None = None
    """(authority, site) to which it belongs where it turns out to touch no device; None: to what is the person's own."""
    relaunch_of: Change | None = None
    agreed_by: tuple[int, ...] = ()
    """People who have agreed beforehand to exactly this order being made (`services.binding`)."""


def request_change(*, order: Order) -> Change:
    """The change for this order; the same idempotency key by the same person gives the same change. Raises OrderError."""
    key = scoped(order.idempotency_key, order.requested_by.pk) if order.idempotency_key else None
    if key and (known := Change.objects.filter(idempotency_key=key).first()):
        return known
    playbook, arguments, devices = _checked(order)
    try:
        with transaction.atomic():
            return _create(order, playbook, arguments, devices, key)
    except IntegrityError:
        if key and (known := Change.objects.filter(idempotency_key=key).first()):
            return known
        raise


def scoped(key: str, person_id: int) -> str:
    """An idempotency key as a change has it: of one length, whatever was given, and never another person's."""
    return hashlib.sha256(f"{person_id}:{key}".encode("utf-8", "backslashreplace")).hexdigest()


def _checked(order: Order) -> tuple[Playbook, dict[str, Any], list[Device]]:
    try:
        playbook = get(order.playbook)
    except CatalogueError as error:
        raise OrderError({"playbook": _("There is no such playbook, or it cannot be used now.")}) from error
    devices = list(
        Device.objects.allowing(order.requested_by, order.right)
        .in_service()
        .filter(pk__in=order.device_ids)
        .select_related("type", "room")
    )
    if problem := _role_problem(order, playbook, devices):  # first: what another authority's playbook wants is theirs
        raise OrderError(problem)
    try:
        arguments = validated(playbook, order.arguments)
    except ArgumentsError as error:
        raise OrderError({name: str(problem) for name, problem in error.problems.items()}) from error
    if order.matched and not order.device_ids:
        return playbook, arguments, []
    if problem := _targets_problem(order, playbook, devices) or _span_problem(order, playbook) or _strategy_problem(order):
        raise OrderError(problem)
    if order.ends_at and takes_away(playbook, arguments, order.device_ids):
        raise OrderError({"ends_at": str(TAKES_AWAY)})
    return playbook, arguments, devices


def _role_problem(order: Order, playbook: Playbook, devices: list[Device]) -> dict[str, str]:
    """The playbook may be for certain roles only, held where the devices are; or another authority's own."""
    if playbook.authority_id and any(device.authority_id != playbook.authority_id for device in devices):
        return {"playbook": _("There is no such playbook, or it cannot be used now.")}
    if not playbook.who_may_run:
        return {}
    held = order.requested_by.access.scopes_as(Role(role) for role in playbook.who_may_run)
    if all(not held.isdisjoint((device.authority_id, device.site_id)) for device in devices):
        return {}
    return {"playbook": _("Your role may not order this playbook.")}


def _targets_problem(order: Order, playbook: Playbook, devices: list[Device]) -> dict[str, str]:
    if not devices or len(devices) != len(set(order.device_ids)):
        return {"targets": _("There is no such device, or it is not yours to change.")}
    if len({device.authority_id for device in devices}) > 1:
        return {"targets": _("A change belongs to one authority. Please order it for each authority.")}
    if wrong := [device.name for device in devices if device.type.platform not in playbook.platforms]:
        return {"targets": _("This change cannot be made on: %(names)s.") % {"names": ", ".join(wrong)}}
    if len(devices) > playbook.max_targets:
        return {"targets": _("At most %(count)d devices at once.") % {"count": playbook.max_targets}}
    if closed := sorted({device.name for device in devices} - {device.name for device in manageable(devices)}):
        return {"targets": _("No address or no login is known for: %(names)s.") % {"names": ", ".join(closed)}}
    return {}


def _strategy_problem(order: Order) -> dict[str, str]:
    try:
        (order.strategy or Strategy()).check()
    except StrategyError:
        return {"strategy": _("The rings cannot be planned like this.")}
    return {}


def _span_problem(order: Order, playbook: Playbook) -> dict[str, str]:
    for name, when in (("starts_at", order.starts_at), ("ends_at", order.ends_at)):
        if when and (far := far_problem(when)):
            return {name: far}
    if order.ends_at is None:
        return {}
    if why_not := no_end(playbook):
        return {"ends_at": why_not}
    now, ends_at = timezone.now(), order.ends_at.astimezone(UTC)  # two local times are compared by what the clock shows
    if ends_at <= (order.starts_at or now).astimezone(UTC):
        return {"ends_at": _("The end must be after the beginning.")}
    if ends_at <= now:
        return {"ends_at": _("The end has already passed.")}
    return {}


def _create(order: Order, playbook: Playbook, arguments: dict[str, Any], devices: list[Device], key: str | None) -> Change:
    secret = {name: value for name, value in arguments.items() if name in playbook.secret_names}
    authority_id, site_id = _home_of(devices) if devices else _home(order)
    strategy = limited(order.strategy or Strategy(), playbook)
    change = Change.objects.create(
        authority_id=authority_id,
        site_id=site_id,
        playbook=playbook.slug,
        playbook_digest=playbook.digest,
        digest=subject.of(playbook.digest, arguments, [device.pk for device in devices], order.ends_at),
        arguments={name: value for name, value in arguments.items() if name not in secret},
        secret_arguments=secret or None,  # type: ignore[misc]  # the field's column is text, its value an object
        risk=playbook.risk,
        approvals_needed=approvals_for(playbook, devices).count,
        requested_by=order.requested_by,
        reason=order.reason[:500],
        idempotency_key=key,
        starts_at=order.starts_at or timezone.now(),
        ends_at=order.ends_at,
        box=Change.Box.PENDING if order.ends_at else Change.Box.NONE,
        strategy=strategy.as_json(),
        relaunch_of=order.relaunch_of,
    )
    arrange(change, planned(devices, strategy))
    tell(change, "requested", actor_id=order.requested_by.pk)
    agree_beforehand(change, order.agreed_by)
    if devices:
        queue_run(change, Run.Kind.PREVIEW)
    elif move(change, Change.State.NOTHING_TO_DO):
        tell(change, "nothing-to-do")
    return change


def _home_of(devices: Sequence[Device]) -> tuple[int, int | None]:
    """The devices' authority, and their site where it is one."""
    sites = {device.site_id for device in devices}
    return devices[0].authority_id, sites.pop() if len(sites) == 1 else None


def _home(order: Order) -> tuple[int, int | None]:
    """Where a change belongs that touches no device: where it was asked for, else where this person has such a right."""
    scopes = order.requested_by.access.scopes(order.right)
    if order.home:
        home = order.home if not scopes.isdisjoint(order.home) else None
    elif authority := Authority.objects.filter(pk__in=scopes).order_by("pk").first():
        home = authority.pk, None
    else:
        home = Site.objects.filter(pk__in=scopes).order_by("pk").values_list("authority_id", "pk").first()
    if home is None:
        raise OrderError({"targets": _("There is no such device, or it is not yours to change.")})
    return home
