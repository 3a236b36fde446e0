"""/privacy: periods, dry run and log; exports of a person's data; erasures."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status
from ninja.pagination import paginate

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.web.api import CursorPage, Problem
from helpdesk.privacy import retention, words
from helpdesk.privacy.models import Deletion, Erasure, Export
from helpdesk.privacy.services import erasing, exporting, keeping, looking
from helpdesk.privacy.views.mine import download
from helpdesk.privacy.views.overview import authorities, deletions

router = Router(tags=["privacy"])


class PeriodOut(Schema):
    kind: str
    title: str
    begins: str
    goes_with: str
    basis: str
    days: int
    delivered: int
    least: int
    most: int
    may_be_moved: bool
    happens: str
    """delete, anonymise, or elsewhere: another room sees to it."""


class DaysIn(Schema):
    days: int


class DueOut(Schema):
    kind: str
    days: int
    count: int
    """At most 100,001: then there are more. Without what belongs to tickets that whoever asks may not see."""
    sample: list[str]


class DeletionOut(Schema):
    id: int
    day: date
    kind: str
    authority_id: int
    """0: by the rule as delivered."""
    days: int
    happens: str
    count: int
    held: int
    """Due, and kept because of what refers to it."""
    started_at: datetime
    ended_at: datetime | None

    @staticmethod
    def resolve_day(row: Deletion) -> date:
        return row.run.day


class ExportIn(Schema):
    person_id: int | None = None
    """Whose data; left out: one's own."""


class ExportOut(Schema):
    uid: UUID
    person_id: int
    state: str
    counts: dict[str, int]
    created_at: datetime
    ready_at: datetime | None
    expires_at: datetime


class ErasureIn(Schema):
    person_id: int
    address: str
    """Of the person, to confirm who is meant."""


class ErasureOut(Schema):
    id: int
    person_id: int
    state: str
    pseudonym: str
    asked_by_id: int
    asked_at: datetime
    agreed_by_id: int | None
    agreed_at: datetime | None
    done: int
    total: int
    """Rows to look at, counted at the beginning."""
    changed: int
    ended_at: datetime | None


# --- retention --------------------------------------------------------------------------------------------------------


@router.get("/retention/{int:authority_id}", response=list[PeriodOut], summary="What is kept how long")
def list_periods(request: HttpRequest, authority_id: int) -> list[PeriodOut]:
    here = get_object_or_404(authorities(_manager(request)), pk=authority_id)
    return [_period(kind, days) for kind, days in keeping.effective(here.pk)]


@router.put("/retention/{int:authority_id}/{slug:data_kind}", response=PeriodOut, summary="Keep it longer or shorter")
def set_period(request: HttpRequest, authority_id: int, data_kind: str, body: DaysIn) -> PeriodOut:
    user = _manager(request)
    here = get_object_or_404(authorities(user), pk=authority_id)
    kind = retention.kinds().get(data_kind)
    if kind is None or not kind.may_be_moved:
        raise Problem(404, _("There is no such thing, or it is not yours to see."))
    try:
        keeping.set_period(authority=here, kind=kind, days=body.days, by=user)
    except keeping.PeriodError as error:
        said = _("From %(least)s to %(most)s days.") % {"least": error.least, "most": error.most}
        raise Problem(422, _("Some fields are not as they have to be."), {"days": [said]}) from error
    return _period(kind, body.days)


@router.get("/due/{int:authority_id}", response=list[DueOut], summary="What would be deleted today")
def dry_run(request: HttpRequest, authority_id: int) -> list[DueOut]:
    user = _manager(request)
    here = get_object_or_404(authorities(user), pk=authority_id)
    found = keeping.dry_run(authority_id=here.pk, reader=user)
    return [DueOut(kind=one.kind.slug, days=one.days, count=one.count, sample=one.sample) for one in found]


@router.get("/deletions", response=list[DeletionOut], summary="What was deleted, newest first")
@paginate(CursorPage, ordering=("-id",))
def list_deletions(request: HttpRequest) -> QuerySet[Deletion]:
    user = _person(request)
    return deletions(user) if user.access.anywhere(Action.MANAGE) else Deletion.objects.none()


def _period(kind: retention.Kind, days: int) -> PeriodOut:
    said = {name: str(getattr(kind, name)) for name in ("title", "begins", "goes_with", "basis")}
    return PeriodOut(
        **said,
        kind=kind.slug,
        days=days,
        delivered=kind.period(),
        least=kind.least,
        most=kind.most,
        may_be_moved=kind.may_be_moved,
        happens=kind.happens,
    )


# --- exports ----------------------------------------------------------------------------------------------------------


@router.get("/exports", response=list[ExportOut], summary="Exports that I asked for")
@paginate(CursorPage, ordering=("-id",))
def list_exports(request: HttpRequest) -> QuerySet[Export]:
    return Export.objects.readable_by(request.user).filter(expires_at__gt=timezone.now())


@router.post("/exports", response={202: ExportOut}, summary="Gather a person's data")
def ask_for_export(request: HttpRequest, body: ExportIn) -> Status[Export]:
    """Made in the background; while one is being made, asking again gives the same."""
    user = _person(request)
    if body.person_id in {None, user.pk}:
        return Status(202, exporting.ask(person=user, by=user))
    return Status(202, exporting.ask(person=get_object_or_404(exporting.people_of(user), pk=body.person_id), by=user))


@router.get("/exports/{uuid:export_uid}", response=ExportOut, summary="How far an export is")
def get_export(request: HttpRequest, export_uid: UUID) -> Export:
    return get_object_or_404(list_of_mine(request), uid=export_uid)


@router.get("/exports/{uuid:export_uid}/json", summary="The data for a program", response=dict[str, Any])
def export_as_json(request: HttpRequest, export_uid: UUID) -> HttpResponseBase:
    return download(request, export_uid, "data", "application/json", "json")


def list_of_mine(request: HttpRequest) -> QuerySet[Export]:
    return Export.objects.readable_by(request.user).filter(expires_at__gt=timezone.now())


# --- erasures ---------------------------------------------------------------------------------------------------------


@router.get("/erasures", response=list[ErasureOut], summary="People who are, or were, erased")
@paginate(CursorPage, ordering=("-id",))
def list_erasures(request: HttpRequest) -> QuerySet[Erasure]:
    return looking.erasures_of(_person(request))


@router.post("/erasures", response={201: ErasureOut}, summary="Ask that a person is erased")
def ask_for_erasure(request: HttpRequest, body: ErasureIn) -> Status[Erasure]:
    """Nothing happens before a second administrator agrees. 409 with the reasons when it is not possible now."""
    user = _manager(request)
    person = get_object_or_404(exporting.people_of(user), pk=body.person_id)
    if body.address.strip().casefold() != person.email.casefold():
        problem = _("This is not the mail address of this person.")
        raise Problem(422, problem, {"address": [problem]})
    try:
        return Status(201, erasing.ask(person=person, by=user))
    except erasing.RefusedError as error:
        raise _refused(error) from error


@router.get("/erasures/{int:erasure_id}", response=ErasureOut, summary="How far an erasure is")
def get_erasure(request: HttpRequest, erasure_id: int) -> Erasure:
    return _erasure(request, erasure_id)


@router.post("/erasures/{int:erasure_id}/agree", response=ErasureOut, summary="Agree, as the second: it cannot be undone")
def agree_to_erasure(request: HttpRequest, erasure_id: int) -> Erasure:
    row = _erasure(request, erasure_id)
    try:
        erasing.agree(erasure=row, by=_person(request))
    except erasing.RefusedError as error:
        raise _refused(error) from error
    return row


@router.post("/erasures/{int:erasure_id}/withdraw", response=ErasureOut, summary="Take it back while nobody has agreed")
def withdraw_erasure(request: HttpRequest, erasure_id: int) -> Erasure:
    row = _erasure(request, erasure_id)
    return _moved(row, ok=erasing.withdraw(erasure=row, by=_person(request)))


@router.post("/erasures/{int:erasure_id}/stop", response=ErasureOut, summary="Stop after the present batch")
def stop_erasure(request: HttpRequest, erasure_id: int) -> Erasure:
    row = _erasure(request, erasure_id)
    return _moved(row, ok=erasing.stop(erasure=row, by=_person(request)))


@router.post("/erasures/{int:erasure_id}/resume", response=ErasureOut, summary="Go on with what was stopped")
def resume_erasure(request: HttpRequest, erasure_id: int) -> Erasure:
    row = _erasure(request, erasure_id)
    return _moved(row, ok=erasing.resume(erasure=row, by=_person(request)))


def _moved(row: Erasure, *, ok: bool) -> Erasure:
    if not ok:
        raise Problem(409, str(words.REFUSALS["state"]))
    return row


def _refused(error: erasing.RefusedError) -> Problem:
    said = [str(words.REFUSALS[key]) for key in error.reasons]
    return Problem(409, " ".join(said), {"person_id": said})


def _erasure(request: HttpRequest, erasure_id: int) -> Erasure:
    return get_object_or_404(looking.erasures_of(_manager(request)), pk=erasure_id)


def _manager(request: HttpRequest) -> User:
    user = _person(request)
    if not user.access.anywhere(Action.MANAGE):
        raise Problem(404, _("There is no such thing, or it is not yours to see."))
    return user


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Problem(401)
    return request.user
