"""What the pages of people show, ready for the templates."""

from itertools import groupby
from typing import Any

from allauth.usersessions.models import UserSession
from django.db.models import Q
from django.utils import timezone

from fleet.events.models import Event
from fleet.people import above, directory_words, selectors
from fleet.people.models import Grant, Scope, User
from fleet.people.roles import role_label
from fleet.people.rules import Role
from fleet.people.services import against_leaving, may_invite

FEW_PLACES = 2
LATEST = 20


def _held(person: User) -> list[Grant]:
    """As `selectors.shown_to` has prefetched it."""
    found: list[Grant] = person.held  # type: ignore[attr-defined]
    return found


def row(person: User) -> dict[str, Any]:
    now = timezone.now()
    order = list(Role)
    current = sorted((one for one in _held(person) if one.holds(now)), key=lambda one: order.index(Role(one.role)))
    roles = [(role_label(role), _places(list(grants))) for role, grants in groupby(current, key=lambda grant: grant.role)]
    return {"person": person, "roles": roles, **_state(person)}


def _places(grants: list[Grant]) -> str:
    names = [grant.scope.name for grant in grants]
    more = len(names) - FEW_PLACES
    return ", ".join(names[:FEW_PLACES]) + (f" +{more}" if more > 0 else "")


def _state(person: User) -> dict[str, Any]:
    return {"pill": directory_words.PILLS[person.state], "word": person.state.label}


def standing(person: User, reader: User) -> dict[str, Any]:
    """Who it is, what they hold where, what is theirs, and what `reader` may do about it."""
    now = timezone.now()
    held = [grant for grant in _held(person) if grant.holds(now)]
    wholly, itself = selectors.manages(reader, person), person.pk == reader.pk
    gives = reader.access.anywhere(selectors.MANAGE) and not itself and person.is_active
    return {
        "person": person,
        "itself": itself,
        "held": [(grant, role_label(grant.role), gives and _takes(reader, grant)) for grant in held],
        "ended": [(grant, role_label(grant.role)) for grant in _held(person) if not grant.holds(now)],
        "belongings": [one for one in above.belongings(person, reader) if one.count],
        "links": above.links_of_person(person, reader),
        "may_edit": wholly,
        "may_give": gives,
        "may_invite": may_invite(person=person, by=reader),
        "may_leave": wholly and person.is_active and against_leaving(person=person, by=reader) is None,
        "may_return": wholly and not person.is_active,
        "logins": UserSession.objects.filter(user=person).count(),
        "tokens": person.api_tokens.usable(now).count(),
        **_state(person),
    }


def _takes(reader: User, grant: Grant) -> bool:
    return reader.access.may_give(Role(grant.role), *grant.scope.line)


def history(person: User, reader: User) -> list[dict[str, Any]]:
    """What was changed of this person at places that `reader` reads, latest first."""
    scopes = reader.access.scopes(selectors.READ)
    mine = Q(authority_id__in=scopes) | Q(site_id__in=scopes)
    of_person = Event.objects.filter(mine, subject_type=person._meta.label_lower, subject_id=person.pk)
    events = list(of_person.filter(name__startswith="person.").order_by("-pk")[:LATEST])
    names = dict(User.objects.filter(pk__in={event.actor_id for event in events}).values_list("pk", "name"))
    places = dict(Scope.objects.filter(pk__in={_place(event) for event in events}).values_list("pk", "name"))
    return [
        {
            "at": event.occurred_at,
            "text": directory_words.sentence(event.name, event.payload, places.get(_place(event) or 0, "")),
            "by": names.get(event.actor_id or 0, ""),
        }
        for event in events
    ]


def _place(event: Event) -> int | None:
    return event.site_id or event.authority_id
