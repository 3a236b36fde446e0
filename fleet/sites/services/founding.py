"""The first authority of an empty installation, and the first person who may do everything in it."""

from dataclasses import dataclass

from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from fleet.people import services as people
from fleet.people.models import User
from fleet.people.rules import Role
from fleet.secrets.types import Secret
from fleet.sites.models import Authority
from fleet.sites.services.places import create_authority


class NotEmptyError(Exception):
    """There is an authority or a person already."""


@dataclass(frozen=True)
class Founding:
    authority: str
    email: str
    name: str

    def clean(self) -> None:
        """Raises ValidationError for what no authority and no person can be called."""
        Authority(name=self.authority).full_clean(exclude=["scope"])
        self._person().full_clean(exclude=["password"])

    def clean_password(self, password: Secret) -> None:
        """Raises ValidationError for one that is too weak, or like name or address."""
        validate_password(password.reveal(), self._person())

    def _person(self) -> User:
        return User(email=self.email, name=self.name)


def refuse_unless_empty() -> None:
    """Raises NotEmptyError."""
    if Authority.objects.exists() or User.objects.exists():
        raise NotEmptyError("There is an authority or a person already.")


@transaction.atomic
def found(*, founding: Founding, password: Secret) -> User:
    """The administrator of the new authority. Raises ValidationError and NotEmptyError; then nothing is written."""
    refuse_unless_empty()
    founding.clean()
    founding.clean_password(password)
    user = User.objects.create_user(founding.email, password.reveal(), name=founding.name)
    people.grant(user=user, role=Role.ADMINISTRATOR, scope_id=create_authority(name=founding.authority).pk)
    return user
