"""/credential-uses and /rotations: where credentials count, and renewing them. For whoever manages an authority."""

from datetime import datetime
from typing import cast

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema, Status
from ninja.pagination import paginate

from fleet.automation import playbook_words, words
from fleet.automation.models import CredentialUse, Rotation, RotationStep
from fleet.automation.services import credentials as services
from fleet.automation.services.credentials import RotationError, kept_for_others
from fleet.automation.services.retiring import old_left
from fleet.devices.models import Credential, Device
from fleet.devices.services import DeviceError
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site
from fleet.web.api import CursorPage, Problem

uses = Router(tags=["automation"])
rotations = Router(tags=["automation"])


class UseOut(Schema):
    id: int
    use: str
    credential_id: int
    platform: str
    """Empty: all platforms."""
    site_id: int | None
    device_id: int | None


class UseIn(Schema):
    use: CredentialUse.Use
    credential_id: int
    platform: str = ""
    site_id: int | None = None
    device_id: int | None = None
    """For one device; then neither platform nor site."""


class RotationOut(Schema):
    id: int
    credential_id: int
    state: str
    started_at: datetime
    finished_at: datetime | None


class StepOut(Schema):
    device_id: int
    change_id: int
    state: str
    checked_at: datetime | None


class RotationDetailOut(RotationOut):
    steps: list[StepOut]
    old_left_on: list[int]
    """Devices that the old secret still lets somebody into, though the new one counts."""

    kept_as: int | None
    """The credential that holds the secret of before, for `kept_for` and for repositories; null: nobody needs it."""
    kept_for: list[int]
    """Devices that were not asked: in stock, planned, or come since. The new one does not count for them."""

    @staticmethod
    def resolve_kept_as(rotation: Rotation) -> int | None:
        made = kept_for_others(rotation)[0]
        return made.pk if made else None

    @staticmethod
    def resolve_kept_for(rotation: Rotation) -> list[int]:
        return kept_for_others(rotation)[1]

    @staticmethod
    def resolve_old_left_on(rotation: Rotation) -> list[int]:
        return sorted(old_left(rotation))


class RotationIn(Schema):
    credential_id: int
    reason: str = ""


def _manager(request: HttpRequest) -> User:
    user = request.user
    if not isinstance(user, User) or not user.access.anywhere(Action.MANAGE):
        raise Problem(403, words.refusal("no-role"))
    return user


@uses.get("/", response=list[UseOut], summary="Where credentials count")
@paginate(CursorPage, ordering=("id",))
def list_uses(request: HttpRequest) -> QuerySet[CredentialUse]:
    return CredentialUse.objects.managed_by(_manager(request))


@uses.post("/", response={201: UseOut}, summary="Let a credential count for a platform, a site or a device")
def set_use(request: HttpRequest, body: UseIn) -> Status[CredentialUse]:
    user = _manager(request)
    credential = get_object_or_404(Credential.objects.managed_by(user), pk=body.credential_id)
    site = get_object_or_404(Site.objects.allowing(user, Action.MANAGE), pk=body.site_id) if body.site_id else None
    device = get_object_or_404(Device.objects.allowing(user, Action.MANAGE), pk=body.device_id) if body.device_id else None
    if device and (site or body.platform):
        sentence = playbook_words.use_problem()
        raise Problem(422, sentence, errors={"device_id": [sentence]})
    try:
        made = services.set_use(
            credential=credential, use=body.use, platform=body.platform, site=site, device=device, by=user
        )
    except DeviceError as error:
        raise Problem(422, str(error), errors={"credential_id": [str(error)]}) from error
    return Status(201, made)


@uses.delete("/{int:use_id}", response={204: None}, summary="Let it count there no longer")
def end_use(request: HttpRequest, use_id: int) -> Status[None]:
    user = cast("User", request.user)
    rows = CredentialUse.objects.managed_by(user).select_related("credential")
    services.end_use(use=get_object_or_404(rows, pk=use_id), by=user)
    return Status(204, None)


@rotations.get("/", response=list[RotationOut], summary="Credentials that were renewed, or are being")
@paginate(CursorPage, ordering=("-id",))
def list_rotations(request: HttpRequest) -> QuerySet[Rotation]:
    return Rotation.objects.managed_by(_manager(request)).defer("new_secret")


@rotations.post("/", response={201: RotationDetailOut}, summary="Renew a credential on every device that uses it")
def begin(request: HttpRequest, body: RotationIn) -> Status[Rotation]:
    user = _manager(request)
    credential = get_object_or_404(Credential.objects.managed_by(user), pk=body.credential_id)
    try:
        made = services.rotate(credential=credential, by=user, reason=body.reason)
    except RotationError as error:
        raise Problem(409, playbook_words.rotation_problem(error.key, error.detail)) from error
    return Status(201, made)


@rotations.get("/{int:rotation_id}", response=RotationDetailOut, summary="How far one is, device by device")
def get_rotation(request: HttpRequest, rotation_id: int) -> Rotation:
    steps = RotationStep.objects.order_by("device_id")
    rows = Rotation.objects.managed_by(cast("User", request.user)).defer("new_secret")
    return get_object_or_404(rows.prefetch_related(Prefetch("steps", steps)), pk=rotation_id)
