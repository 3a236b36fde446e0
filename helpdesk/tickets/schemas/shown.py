"""Tickets as the API shows them, and how its list is narrowed."""

from datetime import datetime
from typing import Annotated, Any

from django.db.models import Q, QuerySet, Sum
from ninja import Field, FilterLookup, FilterSchema, Schema

from fleet.people.models import User
from fleet.web.instants import LooseInstant
from helpdesk.tickets.models import Article, Tag, Ticket
from helpdesk.tickets.rules import FINISHED
from helpdesk.tickets.schemas.articles import ArticleOut, sees_internals
from helpdesk.tickets.selectors import as_read_by, beneath, tagged


class TicketFilter(FilterSchema):
    """`finished`: resolved and closed ones only, or all but those; `q`: number, subject, device or room.

    `category`: with all below it; `watched`: by whoever asks; `tag`: its name, for those who work on tickets.
    """

    state: Ticket.State | None = None
    kind: Ticket.Kind | None = None
    site: Annotated[int | None, FilterLookup("site_id")] = None
    owner: Annotated[int | None, FilterLookup("owner_id")] = None
    finished: bool | None = None
    priority: Ticket.Priority | None = None
    queue: Annotated[int | None, FilterLookup("queue_id")] = None
    category: int | None = None
    parent: str | None = Field(None, max_length=20)
    due_before: Annotated[LooseInstant | None, FilterLookup("due_at__lte")] = None
    updated_since: Annotated[LooseInstant | None, FilterLookup("updated_at__gte")] = None
    tag: str | None = Field(None, max_length=50)
    watched: bool | None = None
    q: str = Field("", max_length=100)

    def filter_finished(self, value: bool | None) -> Q:
        if value is None:
            return Q()
        over = Q(state__in=FINISHED)
        return over if value else ~over

    def filter_parent(self, value: str | None) -> Q:  # noqa: ARG002  (depends on who asks)
        return Q()

    def filter_category(self, value: int | None) -> Q:
        return Q(category__in=beneath(value)) if value is not None else Q()

    def filter_q(self, value: str) -> Q:  # noqa: ARG002  (searched by the room's own selector)
        return Q()

    def filter_tag(self, value: str | None) -> Q:  # noqa: ARG002  (depends on who asks)
        return Q()

    def filter_watched(self, value: bool | None) -> Q:  # noqa: ARG002  (depends on who asks)
        return Q()

    def of(self, user: User) -> QuerySet[Ticket]:
        """What this person sees of what is wanted; the words of `q` are left to whoever searches."""
        rows: QuerySet[Ticket] = self.filter(Ticket.objects.visible_to(user))
        if self.tag:
            named = Tag.objects.filter(name__iexact=self.tag).values("pk")
            rows = tagged(rows, Ticket.tags.through.objects.filter(tag__in=named), user)
        if self.parent:
            rows = rows.filter(parent__in=Ticket.objects.visible_to(user).filter(number=self.parent).order_by().values("pk"))
        if self.watched is not None:
            mine = Q(pk__in=user.watched_tickets.order_by().values("pk"))
            rows = rows.filter(mine if self.watched else ~mine)
        return rows


class PersonOut(Schema):
    id: int
    name: str


class TicketOut(Schema):
    number: str
    kind: str
    subject: str
    state: str
    state_since: datetime
    priority: int
    site_id: int
    room_id: int | None
    requester: str | None
    owner: str | None
    owner_id: int | None
    blocks_lesson: bool
    created_at: datetime
    updated_at: datetime
    queue_id: int | None
    category_id: int | None
    parent: str | None
    """The larger incident; empty where this person may not see it, as is `merged_into`."""
    merged_into: str | None
    due_at: datetime | None
    due_clock: str
    response_due_at: datetime | None
    update_due_at: datetime | None
    resolution_due_at: datetime | None
    answered_at: datetime | None
    resolved_at: datetime | None
    version: int

    @staticmethod
    def resolve_parent(ticket: Ticket) -> str | None:
        return ticket.parent.number if ticket.parent else None

    @staticmethod
    def resolve_merged_into(ticket: Ticket) -> str | None:
        return ticket.merged_into.number if ticket.merged_into else None

    @staticmethod
    def resolve_requester(ticket: Ticket) -> str | None:
        return ticket.requester.name if ticket.requester else None

    @staticmethod
    def resolve_owner(ticket: Ticket) -> str | None:
        return ticket.owner.name if ticket.owner else None


class TicketDetailOut(TicketOut):
    """`tags`, `watchers` and `minutes_spent`: for those who see internal notes."""

    device_ids: list[int]
    tags: list[str]
    watchers: list[PersonOut]
    minutes_spent: int | None
    articles: list[ArticleOut]

    @staticmethod
    def resolve_tags(ticket: Ticket, context: dict[str, Any]) -> list[str]:
        return [tag.name for tag in ticket.tags.all()] if sees_internals(context, ticket) else []

    @staticmethod
    def resolve_watchers(ticket: Ticket, context: dict[str, Any]) -> list[User]:
        return list(ticket.watchers.all()) if sees_internals(context, ticket) else []

    @staticmethod
    def resolve_minutes_spent(ticket: Ticket, context: dict[str, Any]) -> int | None:
        if not sees_internals(context, ticket):
            return None
        return ticket.articles.aggregate(sum=Sum("minutes"))["sum"] or 0

    @staticmethod
    def resolve_device_ids(ticket: Ticket) -> list[int]:
        return [device.pk for device in ticket.devices.all()]

    @staticmethod
    def resolve_articles(ticket: Ticket, context: dict[str, Any]) -> list[Article]:
        """Internal notes are for those who may see them."""
        rows = as_read_by(context["request"].user, ticket.articles.select_related("author").prefetch_related("attachments"))
        return list(rows if sees_internals(context, ticket) else rows.filter(internal=False))


class PresentOut(Schema):
    """Who has the ticket open elsewhere, and whether they write."""

    id: int
    name: str
    typing: bool
    seen_at: datetime

    @staticmethod
    def resolve_id(row: Any) -> int:
        return int(row.user_id)

    @staticmethod
    def resolve_name(row: Any) -> str:
        return str(row.user)


class LinkOut(Schema):
    """`kind`: related, split or follows; `from_here`: whether this ticket is the one that was split off, or follows."""

    id: int
    kind: str
    from_here: bool
    number: str
    subject: str
    state: str


class TagOut(Schema):
    id: int
    name: str


class MacroOut(Schema):
    """A canned reply; what is not empty besides the text is done along with it."""

    id: int
    name: str
    body_de: str
    body_en: str
    internal: bool
    to: str
    priority: int | None
    queue_id: int | None
    tag_id: int | None

    @staticmethod
    def resolve_name(row: Any) -> str:
        return str(row)


class FilledOut(Schema):
    text: str
