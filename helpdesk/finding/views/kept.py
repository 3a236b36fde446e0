"""How many of the promises of a period were kept, by school, category and month."""

from collections.abc import Iterator
from typing import Any

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from helpdesk.finding import exporting, reports
from helpdesk.finding.views.reports import LONGEST_TABLE, XLSX, PeriodForm, month_named, reader
from helpdesk.tickets import promises


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    user = reader(request)
    form = PeriodForm(request.GET, user=user)
    if not form.is_valid():
        return render(request, "finding/kept.html", {"form": form}, status=422)
    period = form.period()
    lines = promises.counted(reports.tickets(user, period), timezone.now())
    named = {"month": _("Month"), "site": _("School"), "category": _("Category")}
    context = {
        "form": form,
        "query": form.query(),
        "tables": [_table(label, by, promises.summed(lines, by)) for by, label in named.items() if lines],
    }
    return render(request, "finding/kept.html", context)


def _table(label: str, by: str, rows: list[tuple[str, promises.Tally, promises.Tally]]) -> dict[str, Any]:
    """Of the longest ones those where most was broken."""
    named = month_named if by == "month" else str
    worst = sorted(rows, key=lambda row: -(row[1].broken + row[2].broken))[:LONGEST_TABLE]
    shown = [row for row in rows if row in worst]
    return {
        "label": label,
        "rows": [{"name": named(name) or "–", "tallies": [_tally(one) for one in tallies]} for name, *tallies in shown],
        "left_out": len(rows) - len(shown),
    }


def _tally(tally: promises.Tally) -> dict[str, Any]:
    percent = tally.percent
    said = "–" if percent is None else f"{percent:.0f} %"
    bar = {"width": f"{percent or 0:.1f}", "said": said, "state": "info"}
    return {"bar": bar, "kept": tally.kept, "decided": tally.decided, "running": tally.running}


@require_safe
def export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """A row for each month, school and category."""
    user = reader(request)
    form = PeriodForm(request.GET, user=user)
    if not form.is_valid() or kind not in {"csv", "xlsx"}:
        raise Http404
    period = form.period()
    rows = _rows(promises.counted(reports.tickets(user, period), timezone.now()))
    name = f"promises-{period.first}-{period.last}.{kind}"
    if kind == "xlsx":
        return FileResponse(exporting.as_xlsx(_heads(), rows), as_attachment=True, filename=name, content_type=XLSX)
    answer = StreamingHttpResponse(exporting.as_csv(_heads(), rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _heads() -> list[str]:
    counts = [_("kept"), _("broken"), _("still running")]
    answers = [f"{_('First answer')}: {one}" for one in counts]
    return [_("Month"), _("School"), _("Category"), *answers, *(f"{_('Solution')}: {one}" for one in counts)]


def _rows(lines: list[promises.Line]) -> Iterator[list[reports.Cell]]:
    for line in lines:
        counts = [count for one in (line.response, line.resolution) for count in (one.kept, one.broken, one.running)]
        yield [line.month, line.site, line.category, *counts]
