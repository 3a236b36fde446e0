"""What pages and the API read of tickets, each in a fixed number of queries."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils import timezone

from fleet.devices.models import Device
from fleet.monitoring import selectors
from fleet.people.models import Grant, User
from fleet.people.rules import ACTIONS, Action
from fleet.sites.models import Site
from helpdesk.tickets.models import Ticket
from helpdesk.tickets.rules import FINISHED

ORDERS: dict[str, tuple[str, ...]] = {
    "number": ("number",),
    "subject": ("subject", "pk"),
    "site": ("site__name", "-priority", "pk"),
    "priority": ("priority", "created_at", "pk"),
    "owner": ("owner__name", "pk"),
    "state": ("state", "-priority", "pk"),
    "created": ("created_at", "pk"),
    "updated": ("updated_at", "pk"),
}
URGENT_FIRST = ("-priority", "-created_at", "pk")


def listed(rows: QuerySet[Ticket], wanted: Mapping[str, Any], user: User) -> QuerySet[Ticket]:
    """`wanted`: cleaned data of TicketFilter; what is missing does not narrow."""
    state = wanted.get("state")
    if not state:
        rows = rows.exclude(state__in=FINISHED)
    elif state != "all":
        rows = rows.filter(state=state)
    for name in ("kind", "site"):
        if wanted.get(name):
            rows = rows.filter(**{name: wanted[name]})
    rows = rows.filter(_owned(wanted.get("owner") or "", user))
    return searched(rows, (wanted.get("q") or "").strip())


def _owned(owner: str, user: User) -> Q:
    if owner == "me":
        return Q(owner=user)
    if owner == "nobody":
        return Q(owner__isnull=True)
    return Q(requester=user) if owner == "mine" else Q()


def searched(rows: QuerySet[Ticket], text: str) -> QuerySet[Ticket]:
    """By number, subject, name of a device or number of the room; each ticket once."""
    if not text:
        return rows
    hangs = Device.objects.filter(tickets=OuterRef("pk"), name__icontains=text)
    return rows.filter(Q(number__icontains=text) | Q(subject__icontains=text) | Q(room__number__iexact=text) | Exists(hangs))


def ordered(rows: QuerySet[Ticket], sort: str) -> QuerySet[Ticket]:
    """`sort`: a column of ORDERS, with a minus for the other way round; anything else: the most urgent first."""
    columns = ORDERS.get(sort.removeprefix("-"))
    if columns is None:
        return rows.order_by(*URGENT_FIRST)
    if not sort.startswith("-"):
        return rows.order_by(*columns)
    return rows.order_by(*(one.removeprefix("-") if one.startswith("-") else f"-{one}" for one in columns))


def with_all(rows: QuerySet[Ticket]) -> QuerySet[Ticket]:
    """For the page of one ticket: with its devices as they are now."""
    devices = Prefetch("devices", selectors.with_state(Device.objects.select_related("health", "room")))
    return rows.select_related("site", "room__building", "requester", "owner", "alert").prefetch_related(devices)


WORKING_ROLES = [role.value for role, actions in ACTIONS.items() if Action.WORK_TICKETS in actions]


def workers(site: Site) -> QuerySet[User]:
    """Whoever may work on tickets of this site now."""
    held = Grant.objects.current(timezone.now()).filter(
        user=OuterRef("pk"), role__in=WORKING_ROLES, scope__in=[site.pk, site.authority_id]
    )
    return User.objects.filter(Exists(held), is_active=True).order_by("name")
