"""A forgotten password."""

from typing import Any

from allauth.account.forms import ResetPasswordForm
from django.http import HttpRequest

from fleet.people.models import User
from fleet.people.services import addresses


class ForgottenForm(ResetPasswordForm):  # type: ignore[misc]  # allauth ships no types
    """The link to a new one goes to an address of which it is certain whose it is; to any other goes why it does not."""

    users: list[User]

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        doubted = [person for person in self.users if person.address_unproven]
        for person in doubted:
            addresses.tell_unproven(person=person)
        self.users = [person for person in self.users if person not in doubted]
        return str(self.cleaned_data["email"] if doubted and not self.users else super().save(request, **kwargs))
