"""/playbook-sources: repositories that playbooks come from, for whoever manages an authority."""

from datetime import datetime
from typing import cast

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Router, Schema, Status
from ninja.pagination import paginate

from fleet.automation import playbook_words, words
from fleet.automation.models import PlaybookSource
from fleet.automation.services import sources as services
from fleet.automation.services.sources import Address, SourceError
from fleet.devices.models import Credential
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Authority
from fleet.web.api import CursorPage, Problem

sources = Router(tags=["automation"])


class SourceOut(Schema):
    id: int
    name: str
    url: str
    branch: str
    folder: str
    state: str
    commit: str
    """The approved one; empty: nothing of it is in the catalogue."""
    fetched_commit: str
    fetched_at: datetime | None
    problem: str | None
    """Why it could not be fetched; null when it could."""

    @staticmethod
    def resolve_problem(source: PlaybookSource) -> str | None:
        return f"{playbook_words.source_problem(source.problem)} {source.detail}".strip() if source.problem else None


class FileChangeOut(Schema):
    path: str
    diff: str
    cut: bool
    """More has changed than `diff` holds; such a commit is not approved."""


class PlaybookChangeOut(Schema):
    playbook: str = Field(alias="slug")
    kind: str
    files: list[FileChangeOut]


class SourceDetailOut(SourceOut):
    problems: list[str]
    """What keeps the fetched commit from being approved."""
    changes: list[PlaybookChangeOut]
    """What approving the fetched commit would change."""


class SourceIn(Schema):
    name: str = Field(min_length=1, max_length=60)
    url: str = Field(max_length=500)
    branch: str = Field("main", max_length=100)
    folder: str = Field("playbooks", max_length=200)
    credential_id: int | None = None
    known_hosts: str = Field("", max_length=10_000)
    allowed_signers: str = Field("", max_length=50_000)


class CommitIn(Schema):
    commit: str
    """The commit you looked at."""


def _manager(request: HttpRequest) -> User:
    user = request.user
    if not isinstance(user, User) or not user.access.anywhere(Action.MANAGE):
        raise Problem(403, words.refusal("no-role"))
    return user


def _person(request: HttpRequest) -> User:
    return cast("User", request.user)


def _mine(request: HttpRequest, source_id: int) -> PlaybookSource:
    return get_object_or_404(PlaybookSource.objects.managed_by(_person(request)), pk=source_id)


@sources.get("/", response=list[SourceOut], summary="Repositories that playbooks come from")
@paginate(CursorPage, ordering=("id",))
def list_sources(request: HttpRequest) -> QuerySet[PlaybookSource]:
    return PlaybookSource.objects.managed_by(_manager(request))


@sources.post("/", response={201: SourceOut}, summary="Add a repository and fetch it")
def add_source(request: HttpRequest, body: SourceIn) -> Status[PlaybookSource]:
    user = _manager(request)
    authority = Authority.objects.filter(pk__in=user.access.scopes(Action.MANAGE)).order_by("pk").first()
    if authority is None:  # who manages sites only
        raise Problem(403, words.refusal("no-role"))
    values = body.dict()
    chosen = values.pop("credential_id")
    known = Credential.objects.managed_by(user).filter(authority=authority)
    credential = get_object_or_404(known, pk=chosen) if chosen is not None else None
    try:
        source = services.add(authority=authority, address=Address(**values, credential=credential), by=user)
    except SourceError as error:
        sentence = playbook_words.source_problem(error.key)
        raise Problem(422, sentence, errors={error.field: [sentence]}) from error
    services.fetch_soon(source=source, by=user)
    source.refresh_from_db()
    return Status(201, source)


@sources.get("/{int:source_id}", response=SourceDetailOut, summary="One repository, and what its newest commit would change")
def get_source(request: HttpRequest, source_id: int) -> PlaybookSource:
    return _detailed(_mine(request, source_id))


@sources.post("/{int:source_id}/fetch", response={202: SourceOut}, summary="Fetch the newest commit")
def fetch_source(request: HttpRequest, source_id: int) -> Status[PlaybookSource]:
    source = _mine(request, source_id)
    services.fetch_soon(source=source, by=_manager(request))
    source.refresh_from_db()
    return Status(202, source)


@sources.post("/{int:source_id}/approve", response=SourceDetailOut, summary="Take a commit into the catalogue")
def approve_source(request: HttpRequest, source_id: int, body: CommitIn) -> PlaybookSource:
    source = _mine(request, source_id)
    try:
        services.approve(source=source, commit=body.commit, by=_manager(request))
    except SourceError as error:
        raise Problem(409, f"{playbook_words.source_problem(error.key)} {error.detail}".strip()) from error
    return _detailed(source)


@sources.delete("/{int:source_id}", response={204: None}, summary="Take its playbooks out of the catalogue")
def remove_source(request: HttpRequest, source_id: int) -> Status[None]:
    services.remove(source=_mine(request, source_id), by=_manager(request))
    return Status(204, None)


def _detailed(source: PlaybookSource) -> PlaybookSource:
    newest = source.versions.filter(commit=source.fetched_commit).first() if source.fetched_commit else None
    about = {
        "problems": newest.problems if newest else [],
        "changes": services.changes_of(newest) if newest and newest.commit != source.commit else [],
    }
    for name, value in about.items():
        setattr(source, name, value)
    return source
