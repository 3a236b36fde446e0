"""When a credential is renewed: its old secret is taken off the devices, by the playbooks that brought the new one there."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import QuerySet

from fleet.automation.catalogue import CatalogueError, get
from fleet.automation.execution.agent import public_key
from fleet.automation.models import Change, Rotation
from fleet.automation.rules.credentials import retiring_arguments
from fleet.automation.services.ordering import Order, OrderError, request_change, scoped
from fleet.events.services import Fact, emit
from fleet.people.rules import Action
from fleet.secrets.types import Secret

log = logging.getLogger(__name__)


class NothingRetiredError(Exception):
    """The playbook that brought the new secret leaves the old one where it is."""


def retire(*, rotation: Rotation, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Ask for one change for each that brought the new secret; where that cannot be, an event says that the old one is left.

    Within the caller's transaction, after the credential holds `new`: the changes log in, and measure, with that.
    """
    keys = "private_key" in old and "private_key" in new
    public = (public_key(Secret(old["private_key"])), public_key(Secret(new["private_key"]))) if keys else None
    offered = retiring_arguments(old, new, public)
    devices: dict[tuple[int, str], list[int]] = defaultdict(list)
    for step in rotation.steps.select_related("change").defer("change__secret_arguments"):
        devices[step.change_id, step.change.playbook].append(step.device_id)
    for (change_id, slug), ids in sorted(devices.items()):
        try:
            _ask(rotation, slug, offered, ids, _key(rotation, change_id))
        except (OrderError, CatalogueError, NothingRetiredError) as error:
            log.warning("an old secret is left on devices", extra={"rotation_id": rotation.pk, "playbook": slug})
            _tell_left(rotation, ids, str(error))


def _key(rotation: Rotation, change_id: int) -> str:
    return f"retire:{rotation.pk}:{change_id}"


def _ask(rotation: Rotation, slug: str, offered: Mapping[str, Any], ids: list[int], key: str) -> None:
    """Raises OrderError, CatalogueError, or NothingRetiredError."""
    playbook = get(slug)
    if playbook.predecessor == "replaced":
        return
    declared = {argument.name for argument in playbook.arguments}
    arguments = {name: value for name, value in offered.items() if name in declared}
    if not any(name.startswith("retired_") for name in arguments):
        raise NothingRetiredError(f"{slug}: takes no old secret away")
    if rotation.started_by is None:
        raise OrderError({"requested_by": "Whoever renewed it has no account any more."})
    reason = f"{rotation.credential.name}: #{rotation.pk}"
    request_change(
        order=Order(slug, arguments, ids, rotation.started_by, reason=reason, idempotency_key=key, right=Action.MANAGE)
    )


def _tell_left(rotation: Rotation, ids: list[int], why: str) -> None:
    credential = rotation.credential
    about = {"name": credential.name, "device_ids": ids, "why": why}
    emit(Fact("credential.old-left", credential, credential.authority_id, None, rotation.started_by_id, about))


def old_left(rotation: Rotation) -> dict[int, Change | None]:
    """{device id: the change that is to take the old secret from there, if any}: where it still lets somebody in.

    Only of a rotation that is done: before, the old one is the one that counts.
    """
    if rotation.state != Rotation.State.DONE:
        return {}
    steps = list(rotation.steps.values_list("device_id", "change_id", "change__playbook"))
    person = rotation.started_by_id
    keys = {change_id: scoped(_key(rotation, change_id), person) for _, change_id, _ in steps} if person else {}
    made = {one.idempotency_key: one for one in _by_key(keys.values())}
    changes = {device: made.get(keys.get(change_id)) for device, change_id, _ in steps}
    gone = {device for device, _, slug in steps if _replaces(slug)}
    gone |= {device for device, change in changes.items() if change and change.state == Change.State.CONFIRMED}
    return {device: change for device, change in changes.items() if device not in gone}


def _by_key(keys: Iterable[str]) -> QuerySet[Change]:
    return Change.objects.filter(idempotency_key__in=list(keys)).defer("secret_arguments")


def _replaces(slug: str) -> bool:
    try:
        return get(slug).predecessor == "replaced"
    except CatalogueError:  # taken away since
        return False
