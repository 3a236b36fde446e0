"""The audit of a device, to read and to take along."""

from collections.abc import Iterator
from itertools import chain

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import translation
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from fleet.automation import audit
from fleet.automation.inventory import batched
from fleet.automation.views.outlook import person
from fleet.devices.models import Device
from fleet.people.models import User

PAGE_SIZE = 50
MOST = 10_000


@require_safe
def of_device(request: HttpRequest, pk: int) -> HttpResponse:
    device = _device(request, pk)
    page = Paginator(audit.changes(person(request), pk), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "automation/audit.html", {"device": device, "page": page, "rows": audit.entries(page)})


@require_safe
def as_csv(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    _device(request, pk)
    ids = list(audit.changes(person(request), pk).values_list("pk", flat=True)[:MOST])
    lines = _lines(person(request), pk, ids, get_language())
    answer = StreamingHttpResponse(chain([audit.head()], lines), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="changes-of-device-{pk}.csv"'
    return answer


def _lines(user: User, pk: int, ids: list[int], language: str | None) -> Iterator[str]:
    """Some changes at a time, so that the longest history needs no more memory than a page."""
    with translation.override(language):
        for some in batched(ids, PAGE_SIZE):
            yield from audit.lines(audit.entries(audit.changes(user, pk).filter(pk__in=some)))


def _device(request: HttpRequest, pk: int) -> Device:
    return get_object_or_404(Device.objects.allowing(request.user, audit.AUDIT), pk=pk)
