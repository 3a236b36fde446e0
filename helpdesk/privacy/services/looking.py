"""Who may be erased by whom, what that would touch, and what stands against it."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from fleet.automation.models import Approval, Change, Override, Schedule
from fleet.automation.rules.lifecycle import ENDED
from fleet.people.models import Grant, User
from fleet.people.rules import Action
from fleet.people.selectors import is_last_administrator
from fleet.sites.models import Site
from helpdesk.privacy import seeing, sources, words
from helpdesk.privacy.models import Erasure
from helpdesk.privacy.rules.refusals import Facts, refusals
from helpdesk.tickets.models import Ticket

ACTIVE = ("asked", "running", "stopped")
DOMAIN = "@erased.invalid"


@dataclass(frozen=True)
class Touched:
    """Rows of one source; `goes`: they are deleted, else they stay under the pseudonym."""

    title: str
    count: int
    goes: bool


def scopes_of(person: User) -> list[int]:
    """Authorities and sites at which this person holds roles or has tickets."""
    roles = set(Grant.objects.filter(user=person).values_list("scope_id", flat=True))
    return sorted(roles | set(Ticket.objects.filter(requester=person).values_list("site_id", flat=True).distinct()))


def manages(user: User, scopes: list[int]) -> bool:
    """Whether this person manages all of these: a site also by its authority."""
    mine = user.access.scopes(Action.MANAGE)
    if not mine:
        return False
    above = dict(Site.objects.filter(pk__in=scopes).values_list("pk", "authority_id"))
    return all(scope in mine or above.get(scope) in mine for scope in scopes)


def erasures_of(user: User) -> QuerySet[Erasure]:
    """Those that this person may see: of people who were nowhere but where they manage."""
    rows = Erasure.objects.select_related("person", "asked_by", "agreed_by")
    if not user.access.anywhere(Action.MANAGE):
        return rows.none()
    return rows.filter(pk__in=[pk for pk, scopes in rows.values_list("pk", "scopes") if manages(user, scopes)])


def reasons(person: User, by: User, *, erasure: Erasure | None = None) -> list[str]:
    """Keys of what stands against erasing `person`, wanted by `by`; empty: nothing does."""
    others = Erasure.objects.filter(person=person, state__in=ACTIVE)
    if erasure is not None:
        others = others.exclude(pk=erasure.pk)
    return refusals(
        Facts(
            is_self=person.pk == by.pk,
            elsewhere=not manages(by, scopes_of(person)),
            last_administrator=is_last_administrator(person),
            running_changes=Change.objects.filter(requested_by=person).exclude(state__in=ENDED).count(),
            open_approvals=_open_approvals(person),
            schedules=Schedule.objects.filter(owner=person, enabled=True).count(),
            underway=others.exists(),
            erased=person.email.endswith(DOMAIN),
        )
    )


def _open_approvals(person: User) -> int:
    agreed = Approval.objects.filter(Q(approver=person) | Q(on_behalf_of=person), void_at__isnull=True)
    asked = Override.objects.filter(Q(asked_by=person) | Q(agreed_by=person))
    return sum(rows.exclude(change__state__in=ENDED).count() for rows in (agreed, asked))


def touched(person: User, by: User) -> list[Touched]:
    """One count per source that has any row: of all of it for the person, else of what `by` may see where they manage."""
    own = person.pk == by.pk
    scopes = sorted(by.access.scopes(Action.MANAGE))
    found = []
    for one in sources.relations():
        rows = one.rows(person.pk)
        if not own:
            rows = seeing.seen_by(by, rows.filter(sources.within(one.model, scopes)))
        found.append(Touched(words.title(str(one)), rows.count(), one.goes or one.many))
    return [one for one in found if one.count]
