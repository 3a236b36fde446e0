"""Asking for a change: validated against the playbook, resolved against what the person may see, written once."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fleet.automation.catalogue import CatalogueError, Playbook, get
from fleet.automation.inventory import manageable
from fleet.automation.models import Change, Run, Target
from fleet.automation.rules.arguments import ArgumentsError, digest, validated
from fleet.automation.rules.lifecycle import APPROVALS_NEEDED
from fleet.automation.services.telling import queue_run, tell
from fleet.devices.models import Device
from fleet.people.models import User
from fleet.people.rules import Action


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


def request_change(*, order: Order) -> Change:
    """The change for this order; the same idempotency key by the same person gives the same change. Raises OrderError."""
    key = _scoped(order.idempotency_key, order.requested_by) if order.idempotency_key else None
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


def _scoped(key: str, person: User) -> str:
    """Of one length, whatever was given, and never another person's."""
    return hashlib.sha256(f"{person.pk}:{key}".encode("utf-8", "backslashreplace")).hexdigest()


def _checked(order: Order) -> tuple[Playbook, dict[str, Any], list[Device]]:
    try:
        playbook = get(order.playbook)
    except CatalogueError as error:
        raise OrderError({"playbook": _("There is no such playbook, or it cannot be used now.")}) from error
    try:
        arguments = validated(playbook, order.arguments)
    except ArgumentsError as error:
        raise OrderError({name: str(problem) for name, problem in error.problems.items()}) from error
    devices = list(
        Device.objects.allowing(order.requested_by, order.right)
        .in_service()
        .filter(pk__in=order.device_ids)
        .select_related("type")
    )
    if problem := _targets_problem(order, playbook, devices) or _span_problem(order, playbook):
        raise OrderError(problem)
    return playbook, arguments, devices


def _targets_problem(order: Order, playbook: Playbook, devices: list[Device]) -> dict[str, str]:
    if not devices or len(devices) != len(set(order.device_ids)):
        return {"targets": _("There is no such device, or it is not yours to change.")}
    if len({device.site_id for device in devices}) > 1:
        return {"targets": _("A change belongs to one school. Please order it for each school.")}
    if wrong := [device.name for device in devices if device.type.platform not in playbook.platforms]:
        return {"targets": _("This change cannot be made on: %(names)s.") % {"names": ", ".join(wrong)}}
    if len(devices) > playbook.max_targets:
        return {"targets": _("At most %(count)d devices at once.") % {"count": playbook.max_targets}}
    if closed := sorted({device.name for device in devices} - {device.name for device in manageable(devices)}):
        return {"targets": _("No address or no login is known for: %(names)s.") % {"names": ", ".join(closed)}}
    return {}


def _span_problem(order: Order, playbook: Playbook) -> dict[str, str]:
    if order.ends_at is None:
        return {}
    if playbook.rollback is None:
        return {"ends_at": _("This change cannot be taken back by itself, so it has no end.")}
    if order.ends_at <= (order.starts_at or timezone.now()):
        return {"ends_at": _("The end must be after the beginning.")}
    if order.ends_at <= timezone.now():
        return {"ends_at": _("The end has already passed.")}
    return {}


def _create(order: Order, playbook: Playbook, arguments: dict[str, Any], devices: list[Device], key: str | None) -> Change:
    secret = {name: value for name, value in arguments.items() if name in playbook.secret_names}
    change = Change.objects.create(
        authority_id=devices[0].authority_id,
        site_id=devices[0].site_id,
        playbook=playbook.slug,
        playbook_digest=playbook.digest,
        digest=digest(playbook.digest, arguments, [device.pk for device in devices], key=settings.SECRET_KEY),
        arguments={name: value for name, value in arguments.items() if name not in secret},
        secret_arguments=secret or None,  # type: ignore[misc]  # the field's column is text, its value an object
        risk=playbook.risk,
        approvals_needed=APPROVALS_NEEDED[playbook.risk],
        requested_by=order.requested_by,
        reason=order.reason[:500],
        idempotency_key=key,
        starts_at=order.starts_at or timezone.now(),
        ends_at=order.ends_at,
        box=Change.Box.PENDING if order.ends_at else Change.Box.NONE,
    )
    Target.objects.bulk_create(Target(change=change, device=device) for device in devices)
    queue_run(change, Run.Kind.PREVIEW)
    tell(change, "requested", actor_id=order.requested_by.pk)
    return change
