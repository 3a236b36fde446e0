from datetime import datetime
from typing import Literal

from ninja import Field, Schema

from fleet.people.models import Grant, User
from fleet.people.rules import Role
from fleet.web.instants import LooseInstant
from fleet.web.lookups import LARGEST

Language = Literal["de", "en"]
State = Literal["active", "invited", "left"]


class RoleOut(Schema):
    id: int
    role: str
    scope_id: int
    scope: str
    until: datetime | None
    """Past: it has ended."""

    @staticmethod
    def resolve_scope(row: Grant) -> str:
        return row.scope.name

    @staticmethod
    def resolve_until(row: Grant) -> datetime | None:
        return row.expires_at


class PersonOut(Schema):
    id: int
    name: str
    email: str
    language: str
    state: State
    """`invited`: here, and without a password yet."""
    second_factor: bool
    last_login: datetime | None
    roles: list[RoleOut]
    """At places that whoever asks may read."""

    @staticmethod
    def resolve_second_factor(row: User) -> bool:
        return bool(row.has_factor)  # type: ignore[attr-defined]  # annotated

    @staticmethod
    def resolve_roles(row: User) -> list[Grant]:
        return list(row.held)  # type: ignore[attr-defined]  # prefetched


class RoleIn(Schema):
    role: Role
    scope_id: int = Field(ge=1, le=LARGEST)
    """An authority, for all of it, or one site."""
    until: LooseInstant | None = None


class PersonIn(Schema):
    name: str = Field(max_length=200)
    email: str = Field(max_length=254)
    language: Language = "de"
    role: RoleIn
    """The first one; others are given one by one."""
    invite: bool = True
    """Whether the mail with the link to set a password goes out at once."""


class PersonChange(Schema):
    """What is left out stays."""

    name: str | None = Field(None, max_length=200)
    email: str | None = Field(None, max_length=254)
    language: Language | None = None
    active: bool | None = None
    """False: has left. Logins, tokens and roles end at once."""


class InvitationOut(Schema):
    sent: bool
