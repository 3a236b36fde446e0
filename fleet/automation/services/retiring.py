"""When a credential is renewed: its old secret is taken off the devices, by the playbooks that brought the new one there."""

import logging
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from fleet.automation.catalogue import CatalogueError, get
from fleet.automation.execution.agent import public_key
from fleet.automation.models import Rotation
from fleet.automation.rules.credentials import retiring_arguments
from fleet.automation.services.ordering import Order, OrderError, request_change
from fleet.events.services import Fact, emit
from fleet.people.rules import Action
from fleet.secrets.types import Secret

log = logging.getLogger(__name__)


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
            _ask(rotation, slug, offered, ids, f"retire:{rotation.pk}:{change_id}")
        except (OrderError, CatalogueError) as error:
            log.warning("an old secret is left on devices", extra={"rotation_id": rotation.pk, "playbook": slug})
            _tell_left(rotation, ids, str(error))


def _ask(rotation: Rotation, slug: str, offered: Mapping[str, Any], ids: list[int], key: str) -> None:
    """Raises OrderError or CatalogueError. A playbook that retires nothing replaced the old one itself."""
    declared = {argument.name for argument in get(slug).arguments}
    arguments = {name: value for name, value in offered.items() if name in declared}
    if not any(name.startswith("retired_") for name in arguments):
        return
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
