"""My data: what is kept, and all of it to take away."""

from typing import Any, cast

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from helpdesk.privacy import retention
from helpdesk.privacy.models import Export
from helpdesk.privacy.services import exporting, looking
from helpdesk.privacy.views import person_of

PILLS = {"waiting": "info", "working": "info", "ready": "ok", "failed": "down"}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def mine(request: HttpRequest) -> HttpResponse:
    user = person_of(request)
    if request.method == "POST":
        exporting.ask(person=user, by=user)
        messages.success(request, _("Your data are being gathered. This takes some minutes; they will be here then."))
        return redirect("privacy:mine")
    context = {
        "touched": looking.touched(user, user),
        "exports": shown(Export.objects.readable_by(user).filter(person=user)),
        "kinds": list(retention.kinds().values()),
    }
    return render(request, "privacy/mine.html", context)


def shown(exports: Any) -> list[dict[str, Any]]:
    """The newest ones, with the colour of their state."""
    return [{"row": row, "pill": PILLS[row.state]} for row in exports.filter(expires_at__gt=timezone.now())[:5]]


@require_safe
def data(request: HttpRequest, uid: Any) -> HttpResponseBase:
    return download(request, uid, "data", "application/json", "json")


@require_safe
def document(request: HttpRequest, uid: Any) -> HttpResponseBase:
    return download(request, uid, "document", "application/pdf", "pdf")


def download(request: HttpRequest, uid: Any, column: str, kind: str, ending: str) -> HttpResponseBase:
    """As a file, never shown in the page; after its last day there is nothing."""
    usable = Export.objects.readable_by(request.user).usable(timezone.now())
    export = get_object_or_404(usable, uid=uid)
    if export.scopes is not None and not looking.manages(person_of(request), cast("list[int]", export.scopes)):
        raise Http404  # whoever asked for it manages less by now
    try:
        content = getattr(export, column).open("rb")
    except OSError as error:
        raise Http404 from error
    response = FileResponse(
        content, as_attachment=True, filename=f"fleetdesk-{export.person_id}.{ending}", content_type=kind
    )
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
