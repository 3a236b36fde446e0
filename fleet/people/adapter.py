"""What Fleetdesk asks of django-allauth: accounts are given by the city, nobody signs up."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest

from fleet.people.models import User
from fleet.people.services import addresses
from fleet.secrets import crypto


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        addresses.prove(person=user)

    def set_password(self, user: User, password: str) -> None:
        """allauth saves the whole row as it was read: somebody may have been sent away, or called otherwise, meanwhile."""
        user.set_password(password)
        user.save(update_fields=["password"])


class SecondFactors(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    """The secrets of authenticator apps and recovery codes rest encrypted like every other secret."""

    def encrypt(self, text: str) -> str:
        return crypto.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return crypto.decrypt(encrypted_text)
