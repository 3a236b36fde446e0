"""What addresses name of people: one of them, a role and a token."""

from dataclasses import dataclass
from datetime import timedelta

from fleet.people import services as people
from fleet.people.models import ApiToken, Grant, User


@dataclass(frozen=True)
class PeopleThings:
    person: User
    token: ApiToken
    grant: Grant


def make(owner: User) -> PeopleThings:
    token, _ = people.issue_token(user=owner, name="mine", reach=ApiToken.Reach.READ, valid_for=timedelta(days=1))
    return PeopleThings(owner, token, owner.grants.get())
