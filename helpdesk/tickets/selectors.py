"""What pages and the API read of tickets, each in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, QuerySet
from django.db.models.fields.json import KT
from django.utils import timezone

from fleet.devices.models import Device
from fleet.monitoring import selectors
from fleet.people.models import Grant, User
from fleet.people.rules import ACTIONS, Action, Role
from fleet.sites.models import Room, Site
from helpdesk.tickets.models import Article, Category, Macro, Queue, Ticket, TicketLink
from helpdesk.tickets.rules import FINISHED
from helpdesk.tickets.rules.sla import AT_RISK

ORDERS: dict[str, tuple[str, ...]] = {
    "number": ("number",),
    "subject": ("subject", "pk"),
    "site": ("site__name", "-priority", "pk"),
    "priority": ("priority", "created_at", "pk"),
    "due": ("due_at", "-priority", "pk"),
    "owner": ("owner__name", "pk"),
    "state": ("state", "-priority", "pk"),
    "created": ("created_at", "pk"),
    "updated": ("updated_at", "pk"),
}
FEW = 1_000
"""Tickets that are named one by one in a query."""
URGENT_FIRST = (F("due_at").asc(nulls_last=True), "-priority", "-created_at", "pk")
"""What is due next; after it what nobody promised, the most urgent first."""


def listed(rows: QuerySet[Ticket], wanted: Mapping[str, Any], user: User) -> QuerySet[Ticket]:
    """`wanted`: as TicketFilter gives it; what is missing does not narrow."""
    state = wanted.get("state")
    if not state:
        rows = rows.exclude(state__in=FINISHED)
    elif state != "all":
        rows = rows.filter(state=state)
    if "sites" in wanted:
        rows = rows.filter(site__in=wanted["sites"])
    for name in ("kind", "priority", "queue"):
        if wanted.get(name):
            rows = rows.filter(**{name: wanted[name]})
    if wanted.get("category"):
        rows = rows.filter(category__in=beneath(wanted["category"].pk))
    if wanted.get("tag"):
        rows = tagged(rows, Ticket.tags.through.objects.filter(tag=wanted["tag"]), user)
    if wanted.get("due"):
        rows = due_by(rows, timezone.now() + (AT_RISK if wanted["due"] == "risk" else timedelta(0)))
    rows = rows.filter(_owned(wanted.get("owner") or "", user))
    return searched(rows, (wanted.get("q") or "").strip())


def beneath(category_id: int) -> set[int]:
    """This category and all below it, however deep: those that an agreement for it takes in."""
    same = Category.objects.filter(authority__categories=category_id)
    below: defaultdict[int | None, list[int]] = defaultdict(list)
    for pk, parent_id in same.values_list("pk", "parent_id"):
        below[parent_id].append(pk)
    found, left = set(), [category_id]
    while left:
        pk = left.pop()
        if pk not in found:
            found.add(pk)
            left += below[pk]
    return found


def tagged(rows: QuerySet[Ticket], tags: QuerySet[Any], user: User) -> QuerySet[Ticket]:
    """Those with one of these rows of `Ticket.tags.through`, where this person may read how colleagues call it."""
    inside = Ticket.objects.allowing(user, Action.VIEW_INTERNAL_NOTES).order_by().values("pk")
    return rows.filter(Exists(tags.filter(ticket=OuterRef("pk"))), pk__in=inside)


def due_by(rows: QuerySet[Ticket], moment: datetime) -> QuerySet[Ticket]:
    return rows.filter(due_at__lte=moment)


def _owned(owner: str, user: User) -> Q:
    if owner == "me":
        return Q(owner=user)
    if owner == "watched":
        return Q(Exists(Ticket.watchers.through.objects.filter(ticket=OuterRef("pk"), user=user)))
    if owner == "nobody":
        return Q(owner__isnull=True)
    return Q(requester=user) if owner == "mine" else Q()


def searched(rows: QuerySet[Ticket], text: str) -> QuerySet[Ticket]:
    """By number, subject, name of a device or number of the room; each ticket once. One query, for what few tickets have.

    Those few are found by an index where there is one. Of what many have, a page is full soon when rows are looked through
    in the list's order.
    """
    if not text:
        return rows
    rooms = Room.objects.filter(number__iexact=text).values("pk")
    hanging = Ticket.devices.through.objects.filter(device__name__icontains=text).values("ticket")
    every = Ticket.objects.order_by()
    named, called = every.filter(number__icontains=text), every.filter(subject__icontains=text)
    known = every.filter(room__in=rooms).values("pk").union(hanging, named.values("pk"), called.values("pk"), all=True)
    few = [row[0] for row in known.values_list("pk")[: FEW + 1]]
    if len(few) <= FEW:
        return rows.filter(pk__in=set(few))
    return rows.filter(Q(number__icontains=text) | Q(subject__icontains=text) | Q(room__in=rooms) | Q(pk__in=hanging))


def ordered(rows: QuerySet[Ticket], sort: str) -> QuerySet[Ticket]:
    """`sort`: a column of ORDERS, with a minus for the other way round; anything else: what is due next."""
    if sort == "due":
        return rows.order_by(*URGENT_FIRST)
    columns = ORDERS.get(sort.removeprefix("-"))
    if columns is None:
        return rows.order_by(*URGENT_FIRST)
    if not sort.startswith("-"):
        return rows.order_by(*columns)
    return rows.order_by(*(one.removeprefix("-") if one.startswith("-") else f"-{one}" for one in columns))


def with_all(rows: QuerySet[Ticket]) -> QuerySet[Ticket]:
    """For the page of one ticket: with its devices as they are now."""
    devices = Prefetch("devices", selectors.with_state(Device.objects.select_related("health", "room")))
    about = ("site", "room__building", "requester", "owner", "alert", "queue", "category")
    return rows.select_related(*about).prefetch_related(devices)


WORKING_ROLES = [role.value for role, actions in ACTIONS.items() if Action.WORK_TICKETS in actions]


def workers(site: Site) -> QuerySet[User]:
    """Whoever may work on tickets of this site now."""
    held = Grant.objects.current(timezone.now()).filter(
        user=OuterRef("pk"), role__in=WORKING_ROLES, scope__in=[site.pk, site.authority_id]
    )
    return User.objects.filter(Exists(held), is_active=True).order_by("name")


def nearest_workers(ticket: Ticket) -> set[int]:
    """Who works at its school; where nobody does, in its authority. Of restricted ones security people alone."""
    restricted = ticket.queue is not None and ticket.queue.restricted
    roles = {Role.SECURITY} if restricted else set(WORKING_ROLES) - {Role.SECURITY}
    held = Grant.objects.current(timezone.now()).filter(role__in=roles, user__is_active=True)
    found = set(held.filter(scope__in=[ticket.site_id, ticket.authority_id]).values_list("scope_id", "user_id"))
    return {user for scope, user in found if scope == ticket.site_id} or {user for _scope, user in found}


def colleagues(user: User) -> QuerySet[User]:
    """Whoever works on tickets at a place where this person does."""
    held = Grant.objects.current(timezone.now()).filter(user=OuterRef("pk"), role__in=WORKING_ROLES)
    scopes = user.access.scopes(Action.WORK_TICKETS)
    authorities = Site.objects.filter(pk__in=scopes).values("authority")
    sites = Site.objects.filter(authority__in=scopes).values("pk")
    near = held.filter(Q(scope__in=scopes) | Q(scope__in=authorities) | Q(scope__in=sites))
    return User.objects.filter(Exists(near), is_active=True).order_by("name", "pk")


def macros(ticket: Ticket) -> list[Macro]:
    return list(Macro.objects.filter(authority=ticket.authority_id).select_related("queue", "tag"))


def counted_queues(user: User) -> QuerySet[Queue]:
    """Each with `open_count`: how many of its tickets are open, of what this person sees."""
    mine = Ticket.objects.visible_to(user).open().order_by().values("pk")
    counted = Count("tickets", filter=Q(tickets__in=mine))
    return Queue.objects.for_reading(user).annotate(open_count=counted).order_by("name_de", "pk")


def queue_counts(user: User) -> list[tuple[Queue, int]]:
    """[(queue, how many of its tickets are open)]. One query."""
    rows: Any = counted_queues(user)
    return [(queue, queue.open_count) for queue in rows]


def readable_articles(user: User) -> QuerySet[Article]:
    """Of tickets that this person sees; internal ones only where they may read those."""
    tickets = Ticket.objects.visible_to(user)
    inside = Ticket.objects.allowing(user, Action.VIEW_INTERNAL_NOTES)
    public = Article.objects.filter(ticket__in=tickets, internal=False)
    return public | Article.objects.filter(ticket__in=tickets.filter(pk__in=inside))


def as_read_by(user: User, rows: QuerySet[Article]) -> QuerySet[Article]:
    """Articles with `hides`: those whose notice names a ticket that has become restricted tell this person less."""
    hidden = Ticket.objects.filter(number=OuterRef("named")).kept_from(user)
    return rows.annotate(named=KT("details__number"), hides=Exists(hidden))


def linked(ticket: Ticket, user: User) -> list[tuple[TicketLink, Ticket]]:
    """Tickets with which this one has to do, as far as this person may see them. Two queries."""
    rows = list(TicketLink.objects.filter(Q(source=ticket) | Q(target=ticket)))
    others = {link.pk: link.target_id if link.source_id == ticket.pk else link.source_id for link in rows}
    seen = Ticket.objects.visible_to(user).in_bulk(list(others.values()))
    return [(link, seen[others[link.pk]]) for link in rows if others[link.pk] in seen]
