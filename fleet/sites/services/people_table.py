"""A table of people is taken in: missing accounts are made, missing roles given; nobody is renamed, nothing taken away."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from fleet.people import services as people
from fleet.people.models import Grant, Scope, User
from fleet.people.rules import Refusal, Role
from fleet.sites.models import Authority, Site
from fleet.sites.rules import people_table
from fleet.sites.rules.office_table import Mistake, Said, refuse, shown
from fleet.sites.rules.tally import Tally


@dataclass(frozen=True)
class _Person:
    email: str
    name: str
    row: User | None
    held: dict[tuple[Role, int], int]
    """{(role, scope): line} that the table gives."""


@dataclass(frozen=True)
class RowTaken:
    """What became of a row: a role somewhere, of somebody who may have been new with it."""

    line: int
    name: str
    email: str
    role: Role
    place: str
    new_account: bool
    new_role: bool


@dataclass(frozen=True)
class PeopleTaken:
    """`without_password`: so many accounts of the table cannot log in yet."""

    tally: Tally
    without_password: int
    rows: list[RowTaken]


@transaction.atomic
def take_in_people(*, authority: Authority, data: bytes, by: User | None = None) -> PeopleTaken:
    """What the table has changed. Raises MistakesError, and RefusedError where `by` may not; then nothing is written."""
    table = people_table.people(data)
    # Two tables at once would make everybody twice.
    held = Authority.objects.select_for_update(no_key=True).get(pk=authority.pk)
    if by is not None and not _gives_all(User.objects.get(pk=by.pk), held):
        raise people.RefusedError(Refusal.BEYOND)
    taken = _Writer(held, by).written(_Judge(held).judged(table))
    return replace(taken, rows=sorted(taken.rows, key=lambda row: row.line))


def _gives_all(by: User, authority: Authority) -> bool:
    return by.is_active and all(by.access.may_give(role, authority.pk) for role in Role)


class _Judge:
    """A table against the authority's schools, everybody's accounts and what they hold."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._by_slug: dict[str, Site] = {}
        self._by_name: defaultdict[str, list[Site]] = defaultdict(list)
        for site in Site.objects.select_for_update(no_key=True).filter(authority=authority):  # none closes meanwhile
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
            held = {pair: part.line for part in reversed(said.parts.values()) for pair in self._held(part)}
            found.append(_Person(said.values["email"], said.values.get("name", ""), row, held))
        refuse(mistakes)
        return found

    def _wrong_account(self, said: Said, row: User | None) -> Iterator[Mistake]:
        email = said.values["email"]
        if row is not None and not row.is_active:
            yield Mistake(said.line, "email", _("%s has left. Take them back first.") % shown(email))
        if row is not None and row.pk in self._elsewhere:
            yield Mistake(said.line, "email", _("The account %s belongs to another authority.") % shown(email))
        try:
            User(email=email, name=said.values.get("name", row.name if row else "")).clean_fields(exclude=["password"])
        except ValidationError as error:
            for column in ("name", "email"):
                for message in error.message_dict.get(column, []):
                    yield Mistake(said.lines.get(column, said.line), column, message)

    def _wrong_place(self, said: Said) -> Iterator[Mistake]:
        name = said.values.get("school")
        if name and (says := self._against(name, self._schools(name))):
            yield Mistake(said.line, "school", says)

    def _against(self, name: str, found: list[Site]) -> str:
        if not found:
            return _("%(authority)s has no school %(name)s.") % {"authority": self._authority, "name": shown(name)}
        if found[0].closed_at is not None:
            return _("%s is closed. Open it again first.") % shown(name)
        slugs = ", ".join(site.slug for site in found)
        several = _("Several schools are called %(name)s. Write one of %(slugs)s.")
        return several % {"name": shown(name), "slugs": slugs} if len(found) > 1 else ""

    def _schools(self, name: str) -> list[Site]:
        """Of this name, or else of this slug; closed ones only where none is open."""
        called = self._by_name.get(name) or [site for site in [self._by_slug.get(name)] if site]
        return [site for site in called if site.closed_at is None] or called

    def _held(self, said: Said) -> Iterator[tuple[Role, int]]:
        name = said.values.get("school")
        for scope_id in [site.pk for site in self._schools(name)] if name else [self._authority.pk]:
            yield said.values["role"], scope_id


def _within(authority: Authority) -> Q:
    return Q(scope=authority.pk) | Q(scope__parent=authority.pk)


class _Writer:
    """Writes what is missing, and notes what became of each row. `by`: None for a command."""

    def __init__(self, authority: Authority, by: User | None) -> None:
        self._by, self._here = by, authority.pk
        self._scopes = Scope.objects.filter(Q(pk=authority.pk) | Q(parent=authority.pk)).in_bulk()
        current = Grant.objects.filter(_within(authority)).current(timezone.now())
        self._held = set(current.values_list("user_id", "role", "scope_id"))
        self._tally = Tally(("Accounts", "Roles"))
        self._rows: list[RowTaken] = []
        self._mistakes: list[Mistake] = []

    def written(self, persons: list[_Person]) -> PeopleTaken:
        """Raises MistakesError."""
        without_password = sum(not self._write(person).has_usable_password() for person in persons)
        refuse(self._mistakes)
        return PeopleTaken(self._tally, without_password, self._rows)

    def _write(self, person: _Person) -> User:
        home = self._scopes[self._here]
        user = person.row or people.enter(email=person.email, name=person.name, scope=home, by=self._by)
        self._tally.note("Accounts", new=person.row is None)
        for (role, scope_id), line in sorted(person.held.items()):
            new = (user.pk, role.value, scope_id) not in self._held
            if new:
                self._give(user, people.Giving(role, self._scopes[scope_id]), line)
            self._tally.note("Roles", new=new)
            place = self._scopes[scope_id].name
            self._rows.append(RowTaken(line, user.name, user.email, role, place, person.row is None, new))
        return user

    def _give(self, user: User, giving: people.Giving, line: int) -> None:
        try:
            people.enter_role(person=user, giving=giving, by=self._by)
        except people.RefusedError:
            self._mistakes.append(Mistake(line, "email", _("Nobody gives roles to themselves.")))
