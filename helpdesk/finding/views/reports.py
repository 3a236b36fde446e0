"""Reports over a period, on a page and as files."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site
from fleet.sites.typed import SchoolFilter
from fleet.web.instants import DayField
from helpdesk.finding import exporting, reports
from helpdesk.finding import report_rules as rules
from helpdesk.finding.views import person

USUAL = timedelta(days=90)
LONGEST_TABLE = 25
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class PeriodForm(SchoolFilter):
    field_order = ("first", "last", "school")
    first = DayField(label=gettext_lazy("From"))
    last = DayField(label=gettext_lazy("Until"))

    def __init__(self, data: Any, *, user: User) -> None:
        """The last 90 days, unless others are chosen."""
        today = timezone.localdate()
        usual = {"first": str(today - USUAL), "last": str(today)}
        self._usual = usual
        super().__init__({**usual, **{name: data[name] for name in data}}, sites=Site.objects.visible_to(user))

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        first, last = said.get("first"), said.get("last")
        if first and last and last < first:
            self.add_error("last", _("The last day is before the first."))
        elif first and last and last - first > reports.LONGEST:
            self.add_error("last", _("A report covers at most 400 days."))
        if self.sites_meant() == [] or (self.data.get("site") and not self._linked):
            self.add_error("school" if self.many else None, _("No school has this in its name."))
        return said

    @property
    def narrows(self) -> bool:
        """Whether it is another period or fewer schools than usual."""
        return bool(self.data.get("school")) or any(self.data.get(name) != said for name, said in self._usual.items())

    def period(self) -> reports.Period:
        found = self.sites_meant()
        return reports.Period(self.cleaned_data["first"], self.cleaned_data["last"], None if found is None else tuple(found))

    def query(self) -> str:
        """The same period in an address."""
        said = {name: self.data.get(name) for name in ("first", "last", "school") if self.data.get(name)}
        return urlencode(said)


def reader(request: HttpRequest) -> User:
    user = person(request)
    if not user.access.anywhere(Action.VIEW_INTERNAL_NOTES):
        raise Http404
    return user


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    user = reader(request)
    form = PeriodForm(request.GET, user=user)
    if not form.is_valid():
        return render(request, "finding/reports.html", {"form": form}, status=422)
    return render(request, "finding/reports.html", {"form": form, "query": form.query(), **_report(user, form.period())})


def _report(user: User, period: reports.Period) -> dict[str, Any]:
    facts = reports.facts(user, period)
    months = rules.months(facts)
    most = max((one.opened for one in months), default=0)
    lost = reports.lost(user, period)
    minutes = max((one.minutes for one in lost), default=0)
    return {
        "total": len(facts),
        "months": [
            {"label": month_named(one.label), "row": one, "bar": _bar(one.opened, most, str(one.opened))} for one in months
        ],
        "answered": [
            _share(_within(limit), share)
            for limit, share in zip(
                rules.ANSWERED_WITHIN_H, rules.answered_within(facts, rules.ANSWERED_WITHIN_H), strict=True
            )
        ],
        "by_playbook": _share(_("Done by a playbook"), rules.by_playbook(facts)),
        "tables": [
            _times(_("School"), rules.times(facts, lambda one: [one.site])),
            _times(_("Category"), rules.times(facts, lambda one: [one.category])),
            _times(_("Model"), rules.times(facts, lambda one: one.models)),
        ],
        "lost": [
            {"row": one, "bar": _bar(one.minutes, minutes, _("%(count)s min") % {"count": _number(one.minutes)})}
            for one in lost[:LONGEST_TABLE]
        ],
        "lost_total": _("%(count)s min") % {"count": _number(sum(one.minutes for one in lost))},
    }


def _month(one: rules.Month, most: int) -> dict[str, Any]:
    return {"label": month_named(one.label), "row": one, "bar": _bar(one.opened, most, str(one.opened))}


def _within(limit_h: int) -> str:
    return _("Answered within %(hours)d h") % {"hours": limit_h}


def _share(label: str, share: rules.Share) -> dict[str, Any]:
    percent = share.percent
    said = "–" if percent is None else f"{_number(percent)} %"
    return {"label": label, "part": share.part, "whole": share.whole, "bar": _bar(percent or 0, 100, said)}


def _times(label: str, rows: Sequence[rules.Times]) -> dict[str, Any]:
    most = max((one.median_h for one in rows), default=0)
    shown = [
        {"row": one, "bar": _bar(one.median_h, most, _hours(one.median_h)), "slowest": _hours(one.slowest_tenth_h)}
        for one in rows[:LONGEST_TABLE]
    ]
    return {"label": label, "rows": shown, "left_out": max(0, len(rows) - LONGEST_TABLE)}


def _bar(value: float, most: float, said: str) -> dict[str, Any]:
    return {"width": f"{100 * value / most:.1f}" if most else "0", "said": said, "state": "info"}


def _hours(value: float) -> str:
    if value >= 1:
        return f"{_number(value, 1)} h"
    return _("%(count)s min") % {"count": _number(60 * value) if 60 * value >= 1 else "< 1"}


def month_named(label: str) -> str:
    """2026-03 → März 2026"""
    year, _dash, month = label.partition("-")
    return date_format(date(int(year), int(month), 1), "YEAR_MONTH_FORMAT") if month else label


def _number(value: float, places: int = 0) -> str:
    return str(number_format(round(value, places), decimal_pos=places))


@require_safe
def export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Every ticket of the period as a row."""
    user = reader(request)
    form = PeriodForm(request.GET, user=user)
    if not form.is_valid() or kind not in {"csv", "xlsx"}:
        raise Http404
    period = form.period()
    name, heads, rows = f"tickets-{period.first}-{period.last}.{kind}", reports.heads(), reports.table(user, period)
    if kind == "xlsx":
        return FileResponse(exporting.as_xlsx(heads, rows), as_attachment=True, filename=name, content_type=XLSX)
    answer = StreamingHttpResponse(exporting.as_csv(heads, rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
