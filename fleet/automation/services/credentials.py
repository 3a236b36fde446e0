"""Credentials: for whom they are, and how they are renewed by a playbook without ever being locked out."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import asyncssh
from asgiref.sync import async_to_sync
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fleet.automation.catalogue import CatalogueError, Playbook, all_playbooks
from fleet.automation.execution.agent import public_key
from fleet.automation.logins import fill_in
from fleet.automation.models import Change, CredentialUse, PlaybookSource, Rotation, RotationStep
from fleet.automation.rules.credentials import NEEDED, renewed, rotates, rotation_arguments
from fleet.automation.services.ordering import Order, OrderError, request_change
from fleet.automation.services.retiring import retire
from fleet.automation.services.turns import apart, in_turn
from fleet.devices.models import Credential, Device, DeviceQuerySet, SiteCredential
from fleet.devices.services import DeviceError, part, replace_secret
from fleet.events.models import Event
from fleet.events.services import Fact, emit
from fleet.monitoring.services import probing
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.secrets.types import Secret
from fleet.sites.models import Site

Use = CredentialUse.Use
KINDS = {
    Use.SSH: Credential.SSH_KINDS,
    Use.ENABLE: frozenset({Credential.Kind.ENABLE}),
    Use.VAULT: frozenset({Credential.Kind.VAULT}),
    Use.CA: frozenset({Credential.Kind.SSH_CA}),
}
ENDED_WELL = frozenset({Change.State.CONFIRMED, Change.State.UNKNOWN})
ENDED_BADLY = frozenset(
    {Change.State.REFUTED, Change.State.FAILED, Change.State.LOST, Change.State.REJECTED, Change.State.CANCELLED}
)
RENEWABLE = Credential.SSH_KINDS | Credential.SNMP_KINDS
LOGIN_S = 15.0
AT_ONCE = 20
PATIENCE = timedelta(days=14)
"""A rotation that has not ended by then has failed; the old secret stays."""


class RotationError(ValueError):
    """`key`: `kind` (not renewed by playbook), `no-device`, `no-playbook`, `running`, `refused`; `detail` says where."""

    def __init__(self, key: str, detail: str = "") -> None:
        self.key, self.detail = key, detail
        super().__init__(f"{key} {detail}".strip())


@transaction.atomic
def set_use(
    *,
    credential: Credential,
    use: CredentialUse.Use,
    platform: str = "",
    site: Site | None = None,
    device: Device | None = None,
    by: User | None = None,
) -> CredentialUse:
    """Devices of this platform, of this site, or this one use it unless a narrower one is set. Raises DeviceError."""
    if credential.kind not in KINDS[use]:
        raise DeviceError(
            "credential",
            _("%(kind)s cannot be used as %(use)s.") % {"kind": credential.get_kind_display(), "use": use.label},
        )
    if any(place and place.authority_id != credential.authority_id for place in (site, device)):
        raise DeviceError("credential", _("This credential belongs to another authority."))
    where: dict[str, Any] = {"authority_id": credential.authority_id, "use": use, "platform": platform}
    where |= {"site": site, "device": device}
    made = CredentialUse.objects.update_or_create(**where, defaults={"credential": credential})[0]
    _tell_use("use-set", made, by)
    return made


@transaction.atomic
def end_use(*, use: CredentialUse, by: User) -> None:
    """The wider one counts again from the next run on, or none does."""
    _tell_use("use-ended", use, by)
    use.delete()


def _tell_use(name: str, use: CredentialUse, by: User | None) -> None:
    about = {"use": use.use, "platform": use.platform, "device_id": use.device_id, "name": use.credential.name}
    actor = by.pk if by else None
    emit(Fact(f"credential.{name}", use.credential, use.authority_id, use.site_id, actor, about))


def rotate(*, credential: Credential, by: User, reason: str = "") -> Rotation:
    """Make a new secret and ask for the changes that bring it to every device. The old one stays until all have it.

    Raises RotationError; then nothing was asked for.
    """
    parts = parts_of(credential)
    new = renewed(credential.kind, credential.secret)
    try:
        with transaction.atomic():
            values: dict[str, Any] = {"credential": credential, "new_secret": new, "started_by": by}
            rotation = Rotation.objects.create(**values)
            for playbook, targets in parts:
                _ask(rotation, playbook, targets, reason, by)
            _tell("rotation-started", rotation)
    except IntegrityError as error:
        raise RotationError("running") from error
    except OrderError as error:
        raise RotationError("refused", str(error)) from error
    return rotation


def parts_of(credential: Credential) -> list[tuple[Playbook, list[Device]]]:
    """The changes that renewing would ask for: of each the playbook and its devices. Raises RotationError."""
    if credential.kind not in RENEWABLE:
        raise RotationError("kind", credential.get_kind_display())
    devices = users_of(credential)
    if not devices:
        raise RotationError("no-device")
    return _by_playbook(credential, devices)


def users_of(credential: Credential) -> list[Device]:
    """Devices in service that are spoken to with it: by themselves, by their site, or by a use that is set for them."""
    return _spoken_to(credential, Device.objects.in_service())


def _spoken_to(credential: Credential, among: DeviceQuerySet) -> list[Device]:
    use = rotates(credential.kind)
    here = among.filter(authority=credential.authority_id).select_related("type", "site")
    own = here.filter(**{f"{use}_credential": credential})
    found = list(own)
    if credential.kind in Credential.SSH_KINDS and credential.uses.filter(use=Use.SSH).exists():
        lacking = list(here.filter(ssh_credential=None))
        fill_in(lacking)
        found += [device for device in lacking if device.ssh_credential_id == credential.pk]
    return sorted(found, key=lambda device: (device.site_id, device.name))


def _by_playbook(credential: Credential, devices: Sequence[Device]) -> list[tuple[Playbook, list[Device]]]:
    """Of each school and platform by itself, never more than a playbook takes. Raises RotationError."""
    groups: dict[tuple[int, str], list[Device]] = defaultdict(list)
    for device in devices:
        groups[device.site_id, device.type.platform].append(device)
    found = []
    for (_site, platform), members in sorted(groups.items()):
        playbook = _rotating(credential, platform, members[0].name)
        size = playbook.max_targets
        found += [(playbook, members[start : start + size]) for start in range(0, len(members), size)]
    return found


def _rotating(credential: Credential, platform: str, device: str) -> Playbook:
    kind, use = credential.kind, rotates(credential.kind)
    try:
        ours = [one for one in all_playbooks() if one.authority_id in {None, credential.authority_id}]
        made_for = [one for one in ours if one.rotates == use and platform in one.platforms]
    except CatalogueError as error:
        raise RotationError("no-playbook", str(error)) from error
    fitting = [one for one in made_for if NEEDED[kind] & {argument.name for argument in one.arguments}]
    if not fitting:
        raise RotationError("no-playbook", f"{platform or '–'} ({device})")
    return fitting[0]


def _ask(rotation: Rotation, playbook: Playbook, devices: Sequence[Device], reason: str, by: User) -> None:
    old, new = rotation.credential.secret, rotation.new_secret or {}
    keys = "private_key" in new
    public = (public_key(Secret(old["private_key"])), public_key(Secret(new["private_key"]))) if keys else None
    offered = rotation_arguments(old, new, public)
    declared = {argument.name for argument in playbook.arguments}
    arguments = {name: value for name, value in offered.items() if name in declared}
    ids = [device.pk for device in devices]
    order = Order(playbook.slug, arguments, ids, by, reason=reason, right=Action.MANAGE)
    change = request_change(order=order)
    RotationStep.objects.bulk_create(RotationStep(rotation=rotation, device=device, change=change) for device in devices)


def settle_all() -> None:
    """See how far rotations are; safe to be called as often as anybody likes."""
    for pk in in_turn("settle rotations", Rotation.objects.filter(state=Rotation.State.RUNNING)):
        with apart("settle rotations", rotation_id=pk):
            settle(rotation_id=pk)


def settle(*, rotation_id: int) -> Rotation:
    """Try the new secret on every device whose change is over; when all answer to it, the credential holds it."""
    rotation = Rotation.objects.select_related("credential").get(pk=rotation_id)
    if rotation.state != Rotation.State.RUNNING:
        return rotation
    steps = list(rotation.steps.select_related("device__type", "change").defer("change__secret_arguments"))
    over = [step for step in steps if step.change.state in ENDED_WELL and step.state != RotationStep.State.VERIFIED]
    for step, answers in zip(over, _answers(rotation, [step.device for step in over]), strict=True):
        step.state = RotationStep.State.VERIFIED if answers else RotationStep.State.FAILED
        step.checked_at = timezone.now()
    for step in steps:
        if step.change.state in ENDED_BADLY:
            step.state = RotationStep.State.FAILED
    RotationStep.objects.bulk_update(steps, ["state", "checked_at"])
    _conclude(rotation, steps)
    return rotation


@transaction.atomic
def _conclude(rotation: Rotation, steps: Sequence[RotationStep]) -> None:
    states = {step.state for step in steps}
    if states == {RotationStep.State.VERIFIED}:
        end = Rotation.State.DONE
    elif RotationStep.State.WAITING not in states or rotation.started_at < timezone.now() - PATIENCE:
        end = Rotation.State.FAILED
    else:
        return
    # The new secret of a failed one is kept: some devices know only that one now.
    values: dict[str, Any] = {"state": end, "finished_at": timezone.now()}
    fresh = Rotation.objects.filter(pk=rotation.pk, state=Rotation.State.RUNNING)
    new = rotation.new_secret
    if fresh.update(**values, **({"new_secret": None} if end == Rotation.State.DONE else {})) != 1:
        return
    rotation.state = end.value
    if end == Rotation.State.DONE:
        credential = rotation.credential = Credential.objects.select_for_update().get(pk=rotation.credential_id)
        old = dict(credential.secret)
        _keep_for_others(rotation)
        replace_secret(credential=credential, secret=new or {}, by=rotation.started_by)
        retire(rotation=rotation, old=old, new=new or {})
    _tell("rotation-ended", rotation)


def _keep_for_others(rotation: Rotation) -> None:
    """Who was not asked (in stock, planned, come since) and the repositories that it opens know the old secret alone: they
    keep it as a credential of their own, which can be renewed in its turn."""
    credential = rotation.credential
    asked = {step.device_id for step in rotation.steps.only("device_id")}
    living = Device.objects.exclude(lifecycle=Device.Lifecycle.RETIRED)
    others = [device.pk for device in _spoken_to(credential, living) if device.pk not in asked]
    sources = PlaybookSource.objects.filter(credential=credential)
    if not others and not sources.exists():
        return
    name = _("%(name)s (before #%(number)d)") % {"name": credential.name[:70], "number": rotation.pk}
    use = SiteCredential.Use(rotates(credential.kind))
    made = part(credential=credential, name=name, device_ids=others, use=use, by=rotation.started_by)
    sources.update(credential=made)
    about = {"name": made.name, "rotation_id": rotation.pk, "credential_id": made.pk, "device_ids": sorted(others)}
    emit(Fact("credential.old-kept", credential, credential.authority_id, None, rotation.started_by_id, about))


def kept_for_others(rotation: Rotation) -> tuple[Credential | None, list[int]]:
    """(the credential that holds the secret of before, devices that were not asked and were given it)."""
    about = Event.objects.filter(subject_type=Credential._meta.label_lower, subject_id=rotation.credential_id)
    told = about.filter(name="credential.old-kept", payload__rotation_id=rotation.pk).first()
    if told is None:
        return None, []
    return Credential.objects.defer("secret").filter(pk=told.payload["credential_id"]).first(), told.payload["device_ids"]


def _answers(rotation: Rotation, devices: Sequence[Device]) -> list[bool]:
    """Whether each device lets us in with the new secret. Over the network, so outside of any transaction."""
    if not devices:
        return []
    if rotates(rotation.credential.kind) == "ssh":
        return list(async_to_sync(_logins)(devices, rotation.new_secret or {}))
    # Never saved: only as long as this asks does the row hold the new secret.
    trial = Credential(kind=rotation.credential.kind, secret=rotation.new_secret)
    answering = probing.answering(devices, trial)
    return [device.pk in answering for device in devices]


async def _logins(devices: Sequence[Device], secret: dict[str, Any]) -> list[bool]:
    room = asyncio.Semaphore(AT_ONCE)

    async def one(device: Device) -> bool:
        async with room:
            return await _logs_in(device, secret)

    return await asyncio.gather(*map(one, devices))


async def _logs_in(device: Device, secret: dict[str, Any]) -> bool:
    """A login and nothing more; a device whose host key is not the pinned one is not talked to."""
    keys = [asyncssh.import_private_key(secret["private_key"])] if "private_key" in secret else None
    known = asyncssh.import_known_hosts(f"* {' '.join(device.ssh_host_key.split()[:2])}\n")
    options: dict[str, Any] = {"client_keys": keys, "password": secret.get("password"), "known_hosts": known}
    try:
        async with asyncio.timeout(LOGIN_S):
            connection = await asyncssh.connect(
                str(device.address), device.ssh_port, username=secret["username"], agent_path=None, config=None, **options
            )
            connection.close()
            await connection.wait_closed()
    except (OSError, TimeoutError, asyncssh.Error):
        return False
    return True


def _tell(name: str, rotation: Rotation) -> None:
    credential = rotation.credential
    about = {"name": credential.name, "kind": credential.kind, "state": rotation.state}
    emit(Fact(f"credential.{name}", credential, credential.authority_id, None, rotation.started_by_id, about))
