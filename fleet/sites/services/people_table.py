"""A table of people is taken in: missing accounts are made, missing roles given; nobody is renamed, nothing taken away."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from fleet.people import services as people
from fleet.people.models import Grant, User
from fleet.people.rules import Role
from fleet.sites.models import Authority, Site
from fleet.sites.rules import people_table
from fleet.sites.rules.office_table import Mistake, Said, refuse, shown
from fleet.sites.rules.tally import Tally


@dataclass(frozen=True)
class _Person:
    email: str
    name: str
    row: User | None
    held: frozenset[tuple[Role, int]]
    """(role, scope) that the table gives."""


@dataclass(frozen=True)
class PeopleTaken:
    """`without_password`: so many accounts of the table cannot log in yet."""

    tally: Tally
    without_password: int


@transaction.atomic
def take_in_people(*, authority: Authority, data: bytes) -> PeopleTaken:
    """What the table has changed. Raises MistakesError; then nothing is written."""
    table = people_table.people(data)
    held = Authority.objects.select_for_update().get(pk=authority.pk)  # two tables at once would make everybody twice
    return _write(held, _Judge(held).judged(table))


class _Judge:
    """A table against the authority's schools, everybody's accounts and what they hold."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._by_slug: dict[str, Site] = {}
        self._by_name: defaultdict[str, list[Site]] = defaultdict(list)
        for site in Site.objects.filter(authority=authority):
            self._by_slug[site.slug] = site
            self._by_name[site.name].append(site)
        accounts = User.objects.only("email", "name", "is_active", "password")
        self._users = {user.email.lower(): user for user in accounts}
        here = Grant.objects.filter(_within(authority))
        self._elsewhere = set(Grant.objects.exclude(_within(authority)).values_list("user_id", flat=True))
        self._elsewhere -= set(here.values_list("user_id", flat=True))

    def judged(self, table: list[Said]) -> list[_Person]:
        """Raises MistakesError."""
        found: list[_Person] = []
        mistakes: list[Mistake] = []
        for said in table:
            row = self._users.get(said.values["email"])
            mistakes += self._wrong_account(said, row)
            mistakes += [wrong for part in said.parts.values() for wrong in self._wrong_place(part)]
            held = frozenset(pair for part in said.parts.values() for pair in self._held(part))
            found.append(_Person(said.values["email"], said.values.get("name", ""), row, held))
        refuse(mistakes)
        return found

    def _wrong_account(self, said: Said, row: User | None) -> Iterator[Mistake]:
        email = said.values["email"]
        if row is not None and not row.is_active:
            yield Mistake(said.line, "email", f"The account {shown(email)} is switched off.")
        if row is not None and row.pk in self._elsewhere:
            yield Mistake(said.line, "email", f"The account {shown(email)} belongs to another authority.")
        try:
            User(email=email, name=said.values.get("name", row.name if row else "")).clean_fields(exclude=["password"])
        except ValidationError as error:
            for column in ("name", "email"):
                for message in error.message_dict.get(column, []):
                    yield Mistake(said.lines.get(column, said.line), column, message)

    def _wrong_place(self, said: Said) -> Iterator[Mistake]:
        name = said.values.get("school")
        found = self._schools(name) if name else []
        if name and not found:
            yield Mistake(said.line, "school", f"{self._authority} has no school {shown(name)}.")
        if len(found) > 1:
            slugs = ", ".join(site.slug for site in found)
            yield Mistake(said.line, "school", f"Several schools are called {shown(name)}. Write one of {slugs}.")

    def _schools(self, name: str) -> list[Site]:
        """Of this name, or else of this slug."""
        return self._by_name.get(name) or [site for site in [self._by_slug.get(name)] if site]

    def _held(self, said: Said) -> Iterator[tuple[Role, int]]:
        name = said.values.get("school")
        for scope_id in [site.pk for site in self._schools(name)] if name else [self._authority.pk]:
            yield said.values["role"], scope_id


def _within(authority: Authority) -> Q:
    return Q(scope=authority.pk) | Q(scope__parent=authority.pk)


def _write(authority: Authority, persons: list[_Person]) -> PeopleTaken:
    tally = Tally(("Accounts", "Roles"))
    current = Grant.objects.filter(_within(authority)).current(timezone.now())
    held = set(current.values_list("user_id", "role", "scope_id"))
    without_password = 0
    for person in persons:
        user = person.row or User.objects.create_user(person.email, name=person.name)
        tally.note("Accounts", new=person.row is None)
        without_password += not user.has_usable_password()
        for role, scope_id in sorted(person.held):
            new = (user.pk, role.value, scope_id) not in held
            if new:
                people.grant(user=user, role=role, scope_id=scope_id)
            tally.note("Roles", new=new)
    return PeopleTaken(tally, without_password)
