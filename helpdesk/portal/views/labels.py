"""Labels to stick on devices: chosen by school, room or one by one, printed on sheets, renewed when one is lost."""

from typing import Any

import segno
from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from fleet.devices.models import Device
from fleet.monitoring.views.devices import meant
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site
from helpdesk.portal.forms import LabelsForm
from helpdesk.portal.rules.labels import SHEETS, short_code
from helpdesk.portal.services import labels as service
from helpdesk.portal.sheets import Printed, pdf
from helpdesk.portal.views import person
from helpdesk.tickets import schools

MOST = 900
"""Each is a field of the form, and Django takes no more than DATA_UPLOAD_MAX_NUMBER_FIELDS, which is 1000."""
NAMED = 12


@require_http_methods(["GET", "HEAD", "POST"])
def labels(request: HttpRequest) -> HttpResponse:
    """Which devices and which sheet; with `print` the sheets themselves. Nothing is written."""
    user = person(request)
    if not user.access.anywhere(Action.PRINT_LABELS):
        raise Http404
    chosen = _chosen(request, user)
    rows = list(chosen.select_related("site", "room", "label").order_by("site__name", "room__number", "name")[: MOST + 1])
    printing = request.method == "POST" and "print" in request.POST
    form = LabelsForm(request.POST if printing else None)
    if printing and rows and len(rows) <= MOST and form.is_valid():
        return _sheets(rows, form.cleaned_data["sheet"], form.cleaned_data["first"])
    context = {
        "form": form,
        "devices": rows[:MOST],
        "named": rows[:NAMED],
        "rest": max(0, len(rows) - NAMED),
        "too_many": len(rows) > MOST,
        "most": MOST,
        "which": schools.which(Site.objects.allowing(user, Action.PRINT_LABELS), request.GET.get("school", "")),
    }
    return render(request, "portal/labels.html", context, status=422 if form.errors else 200)


def _chosen(request: HttpRequest, user: User) -> QuerySet[Device]:
    """The marked ones, all that the list's filter leaves, or those of a school, a room."""
    mine = Device.objects.allowing(user, Action.PRINT_LABELS).in_service()
    said = request.POST or request.GET
    if "all" in said:
        query = QueryDict(said.get("query", ""))
        listed = meant(request, query, Action.PRINT_LABELS)  # type: ignore[arg-type]  # htmx is the middleware's
        return mine.filter(pk__in=listed.order_by().values("pk"))
    for name in ("device", "room", "site"):
        if numbers := [int(one) for one in said.getlist(name) if one.isdecimal() and len(one) < 18]:  # noqa: PLR2004
            return mine.filter(**{f"{'pk' if name == 'device' else name}__in": numbers})
    return mine.none()


def _sheets(devices: list[Device], sheet: str, first: int) -> HttpResponse:
    with translation.override(settings.LANGUAGE_CODE):
        printed = [_printed(device) for device in devices]
        hint, title = _("Something wrong? Scan me."), _("Labels")
    content = pdf(printed, SHEETS[sheet], first=first, title=title, hint=hint)
    answer = HttpResponse(content, content_type="application/pdf")
    answer.headers["Content-Disposition"] = 'inline; filename="labels.pdf"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _printed(device: Device) -> Printed:
    place = f"{_('Room')} {device.room.number}" if device.room else device.site.name
    return Printed(service.link(device), device.name, place, short_code(device.pk))


@require_POST
def renew(request: HttpRequest, pk: int) -> HttpResponse:
    device = get_object_or_404(Device.objects.allowing(request.user, Action.PRINT_LABELS).in_service(), pk=pk)
    service.renew(device=device, by=person(request))
    messages.success(request, _("The label of %s opens nothing any more. Please print the new one.") % device.name)
    return redirect("devices:detail", pk)


def panel(user: User, pk: int) -> dict[str, Any] | None:
    """The label of a device, on its page."""
    rows = Device.objects.allowing(user, Action.PRINT_LABELS).in_service().select_related("label")
    device = rows.filter(pk=pk).first()
    if device is None:
        return None
    address = service.link(device)
    code = segno.make_qr(address, error="m").svg_inline(scale=4, border=2, svgclass=None, lineclass=None)
    return {
        "device": device,
        "link": address,
        "qr": mark_safe(code),  # noqa: S308  (drawn by segno, the link is in its modules alone)
        "code": short_code(device.pk),
    }
