"""/tickets/{number}/articles and …/attachments: what was said, and the files that came with it."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from ninja import File, Status, UploadedFile
from ninja.decorators import decorate_view
from ninja.pagination import paginate

from fleet.people.rules import Action
from fleet.web.api import CursorPage, Problem
from fleet.web.api.conditional import IfMatch, validated
from fleet.web.once import IdempotencyKey, key_for
from fleet.web.uploads import refused
from helpdesk.tickets import attachment_views, selectors, services, uploads
from helpdesk.tickets.api.common import person, router, shown, unchanged, visible, works
from helpdesk.tickets.models import Article, Attachment, Ticket
from helpdesk.tickets.rules import may_reply
from helpdesk.tickets.schemas.articles import ArticleOut, AttachmentOut
from helpdesk.tickets.schemas.shown import TicketDetailOut
from helpdesk.tickets.schemas.wishes import ArticleIn
from helpdesk.tickets.services import attachments

BYTES: dict[str, Any] = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
DOWNLOADED: dict[str, Any] = {"responses": {200: {"description": "The file, to be saved", "content": BYTES}}}


@router.get("/{slug:number}/articles", response=list[ArticleOut], summary="What was said, oldest first")
@decorate_view(validated)
@paginate(CursorPage, ordering=("created_at", "id"))
def list_articles(request: HttpRequest, number: str) -> QuerySet[Article]:
    rows = selectors.as_read_by(person(request), _readable(request, number)).select_related("author", "ticket")
    return rows.prefetch_related("attachments__article__ticket")


def _readable(request: HttpRequest, number: str) -> QuerySet[Article]:
    ticket = visible(request, number)
    inside = Ticket.objects.allowing(person(request), Action.VIEW_INTERNAL_NOTES).filter(pk=ticket.pk)
    return ticket.articles.all() if inside.exists() else ticket.articles.filter(internal=False)


@router.post("/{slug:number}/articles", response={201: TicketDetailOut}, summary="Answer")
@decorate_view(validated)
def add_article(
    request: HttpRequest,
    response: HttpResponse,
    number: str,
    body: ArticleIn,
    idempotency_key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Status[Ticket]:
    """The same Idempotency-Key gives the same article; to a merged ticket it is said where that went on.

    `@Franka` calls a colleague, who watches the ticket from then on.
    """
    user, ticket = person(request), visible(request, services.current(visible(request, number)).number)
    key = key_for(request, "reply", idempotency_key)
    if services.said_before(by=user, key=key):
        return Status(201, shown(request, response, ticket.number))
    if not may_reply(user.access, ticket):
        raise Problem(403, _("Your role does not include this."))
    if not works(request, ticket):
        _refuse_what_is_for_staff(body)
    said = services.Reply(
        author=user,
        body=body.body,
        channel=Article.Channel.API,
        internal=body.internal,
        still_broken=body.still_broken,
        idempotency_key=key,
        minutes=body.minutes,
        to=Ticket.State(body.to) if body.to else None,
    )
    with unchanged(ticket, if_match):
        _reply(ticket, said)
    return Status(201, shown(request, response, ticket.number))


def _refuse_what_is_for_staff(body: ArticleIn) -> None:
    if body.internal:
        raise Problem(403, _("Internal notes are for those who work on tickets."))
    if body.minutes or body.to:
        raise Problem(403, _("Time spent and states are for those who work on tickets."))


def _reply(ticket: Ticket, said: services.Reply) -> None:
    try:
        services.reply(ticket=ticket, said=said)
    except services.StaleError as error:
        raise Problem(409, _("The ticket was changed meanwhile.")) from error
    except services.TransitionError as error:
        raise Problem(409, _("That is not possible from the ticket's present state.")) from error


@router.get("/{slug:number}/attachments", response=list[AttachmentOut], summary="All files of a ticket")
@decorate_view(validated)
@paginate(CursorPage, ordering=("id",))
def list_attachments(request: HttpRequest, number: str) -> QuerySet[Attachment]:
    """Those of internal notes only for who may read these."""
    return Attachment.objects.filter(article__in=_readable(request, number)).select_related("article__ticket")


@router.get("/{slug:number}/attachments/{int:attachment_id}", summary="Download a file", openapi_extra=DOWNLOADED)
def download_attachment(request: HttpRequest, number: str, attachment_id: int) -> FileResponse:
    """As on the page: always application/octet-stream to be saved, whatever its sender called it."""
    rows = Attachment.objects.filter(article__in=_readable(request, number))
    return attachment_views.as_download(get_object_or_404(rows, pk=attachment_id))


@router.post(
    "/{slug:number}/articles/{int:article_id}/attachments",
    response={201: list[AttachmentOut]},
    summary="Add files to what one has written",
)
def upload_attachments(
    request: HttpRequest,
    number: str,
    article_id: int,
    files: File[list[UploadedFile] | None] = None,
    if_match: IfMatch = None,
) -> Status[list[Attachment]]:
    """multipart/form-data with `files`; 413 for more or larger ones than an article may have. Sent twice, each is once."""
    user, ticket = person(request), visible(request, number)
    article = get_object_or_404(_readable(request, number), pk=article_id)
    if article.author_id != user.pk or not may_reply(user.access, ticket):
        raise Problem(403, _("Files are added by whoever wrote the message, while the ticket is not closed."))
    _refuse_too_much(request, files or [])
    kept = uploads.kept(files or [])
    with unchanged(ticket, if_match):
        try:
            rows = attachments.add(article=article, files=kept, by=user)
        except attachments.LimitError as error:
            raise _too_much() from error
    return Status(201, rows)


def _refuse_too_much(request: HttpRequest, files: list[UploadedFile]) -> None:
    if refused(request) or len(files) > settings.FILES_PER_ARTICLE:
        raise _too_much()
    if not files:
        raise Problem(422, _("Choose at least one file."), errors={"files": [_("Choose at least one file.")]})


def _too_much() -> Problem:
    said = _("An article has at most %(most)d files, each of at most %(one)s, together at most %(all)s.")
    sizes = {"one": filesizeformat(settings.FILE_BYTES), "all": filesizeformat(settings.FILES_BYTES)}
    return Problem(413, said % {"most": settings.FILES_PER_ARTICLE, **sizes})
