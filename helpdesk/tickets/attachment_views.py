"""Files of articles, for saving and never for showing; and a mail's formatted text, sanitised."""

from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import add_never_cache_headers
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from fleet.people.models import User
from fleet.web import formatted
from helpdesk.tickets.models import Article, Attachment
from helpdesk.tickets.selectors import readable_articles


@require_safe
def download(request: HttpRequest, pk: int) -> FileResponse:
    """Whatever it is, the browser saves it: not shown, not sniffed, and without rights should it be opened all the same."""
    row = get_object_or_404(Attachment.objects.filter(article__in=_readable(request)), pk=pk)
    return as_download(row)


def as_download(row: Attachment) -> FileResponse:
    """Raises Http404 where the file is gone."""
    try:
        content = row.file.open("rb")
    except FileNotFoundError as error:
        raise Http404 from error
    response = FileResponse(content, content_type="application/octet-stream")
    response.headers["Content-Disposition"] = (
        content_disposition_header(as_attachment=True, filename=row.name) or "attachment"
    )
    response.headers["Content-Length"] = str(row.size)
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    add_never_cache_headers(response)
    return response


@require_safe
def formatted_text(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    rows = _readable(request).filter(ticket__number=number).exclude(html="").select_related("ticket", "author")
    article = get_object_or_404(rows, pk=pk)
    context: dict[str, Any] = {
        "article": article,
        "ticket": article.ticket,
        "text": formatted.sanitised(article.html),
        "images": formatted.has_images(article.html),
    }
    return render(request, "tickets/formatted.html", context)


def _readable(request: HttpRequest) -> QuerySet[Article]:
    if not isinstance(request.user, User):
        raise Http404
    return readable_articles(request.user)
