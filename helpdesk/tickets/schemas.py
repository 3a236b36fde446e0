"""What the API says about tickets."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.db.models import Q
from ninja import Field, FilterLookup, FilterSchema, Schema

from fleet.people.rules import Action
from helpdesk.tickets import notices
from helpdesk.tickets.models import Article, Ticket
from helpdesk.tickets.rules import FINISHED


class TicketFilter(FilterSchema):
    """`finished`: resolved and closed ones only, or all but those; `q`: number, subject, device or room."""

    state: Ticket.State | None = None
    kind: Ticket.Kind | None = None
    site: Annotated[int | None, FilterLookup("site_id")] = None
    owner: Annotated[int | None, FilterLookup("owner_id")] = None
    finished: bool | None = None
    q: str = Field("", max_length=100)

    def filter_finished(self, value: bool | None) -> Q:
        if value is None:
            return Q()
        over = Q(state__in=FINISHED)
        return over if value else ~over

    def filter_q(self, value: str) -> Q:  # noqa: ARG002  (searched by the room's own selector)
        return Q()


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
    blocks_lesson: bool
    created_at: datetime
    updated_at: datetime
    version: int

    @staticmethod
    def resolve_requester(ticket: Ticket) -> str | None:
        return ticket.requester.name if ticket.requester else None

    @staticmethod
    def resolve_owner(ticket: Ticket) -> str | None:
        return ticket.owner.name if ticket.owner else None


class ArticleOut(Schema):
    """`said`: the sentence of a notice, in the reader's language; `evidence`: what was measured for it.

    `details` is what the sentence was made from, error texts of machines included: for those who see internal notes.
    """

    id: int
    author: str | None
    channel: str
    internal: bool
    body: str
    notice: str
    said: str | None
    evidence: list[dict[str, Any]]
    details: dict[str, Any]
    created_at: datetime

    @staticmethod
    def resolve_author(article: Article) -> str | None:
        return article.author.name if article.author else None

    @staticmethod
    def resolve_said(article: Article) -> str | None:
        notice = notices.of(article)
        return notice.sentence if notice else None

    @staticmethod
    def resolve_evidence(article: Article) -> list[dict[str, Any]]:
        notice = notices.of(article)
        return notice.evidence if notice else []

    @staticmethod
    def resolve_details(article: Article, context: dict[str, Any]) -> dict[str, Any]:
        return dict(article.details) if _sees_internals(context, article.ticket) else {}


def _sees_internals(context: dict[str, Any], ticket: Ticket) -> bool:
    access = context["request"].user.access
    return bool(access.may(Action.VIEW_INTERNAL_NOTES, ticket.authority_id, ticket.site_id))


class TicketDetailOut(TicketOut):
    device_ids: list[int]
    articles: list[ArticleOut]

    @staticmethod
    def resolve_device_ids(ticket: Ticket) -> list[int]:
        return [device.pk for device in ticket.devices.all()]

    @staticmethod
    def resolve_articles(ticket: Ticket, context: dict[str, Any]) -> list[Article]:
        """Internal notes are for those who may see them."""
        rows = ticket.articles.select_related("author")
        return list(rows if _sees_internals(context, ticket) else rows.filter(internal=False))


class TicketIn(Schema):
    room_id: int
    subject: str = Field(min_length=3, max_length=200)
    body: str = Field("", max_length=20_000)
    device_ids: list[int] = Field(default_factory=list)
    blocks_lesson: bool = False


class ArticleIn(Schema):
    """`still_broken`: opens a resolved ticket again."""

    body: str = Field(min_length=1, max_length=20_000)
    internal: bool = False
    still_broken: bool = False


class TransitionIn(Schema):
    to: Literal["new", "open", "waiting-requester", "waiting-vendor", "resolved", "closed"]
    seen_version: int
