"""What was said in tickets, and the files that came with it, as the API shows them."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from ninja import Schema

from fleet.people.rules import Action
from helpdesk.tickets import notices
from helpdesk.tickets.models import Article, Attachment, Ticket


class AttachmentOut(Schema):
    """`content_type`: as its sender called it, for nobody to rely on; `url`: where it is downloaded, never shown."""

    id: int
    article_id: int
    name: str
    size: int
    content_type: str
    sha256: str
    url: str
    created_at: datetime

    @staticmethod
    def resolve_sha256(row: Attachment) -> str:
        return row.digest

    @staticmethod
    def resolve_url(row: Attachment) -> str:
        names = {"number": row.article.ticket.number, "attachment_id": row.pk}
        return reverse("api:download_attachment", kwargs=names)


class ArticleOut(Schema):
    """`said`: the sentence of a notice, in the reader's language; `evidence`: what was measured for it.

    `author`: somebody with an account, else `sender`: as the mail says; `verified`: whether it is known that they belong to
    the ticket. `details` is what the sentence was made from, error texts of machines included, and `minutes` how long
    somebody worked for it: both for those who see internal notes.
    """

    id: int
    author: str | None
    sender: str
    verified: bool
    channel: str
    internal: bool
    body: str
    quoted: str
    notice: str
    said: str | None
    evidence: list[dict[str, Any]]
    details: dict[str, Any]
    minutes: int | None
    attachments: list[AttachmentOut]
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
        return notices.named_in(article) if sees_internals(context, article.ticket) else {}

    @staticmethod
    def resolve_minutes(article: Article, context: dict[str, Any]) -> int | None:
        return article.minutes if sees_internals(context, article.ticket) else None

    @staticmethod
    def resolve_attachments(article: Article) -> list[Attachment]:
        return list(article.attachments.all())


def sees_internals(context: dict[str, Any], ticket: Ticket) -> bool:
    access = context["request"].user.access
    return bool(access.may(Action.VIEW_INTERNAL_NOTES, ticket.authority_id, ticket.site_id))
