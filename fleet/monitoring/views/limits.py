"""Where alerts open and close, for a device, a site or a kind of device, and where each limit comes from."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from fleet.devices.models import Device, DeviceType
from fleet.monitoring import limits_api, metrics, selectors, words
from fleet.monitoring.forms import LimitFilter, LimitForm
from fleet.monitoring.limits_api import Target
from fleet.monitoring.metrics import Threshold
from fleet.monitoring.rules.kinds import CHAPTERS, applies, chapter
from fleet.monitoring.rules.limits import Book, Level, Limit
from fleet.monitoring.selectors import Measured
from fleet.monitoring.services import limits
from fleet.monitoring.views import PageRequest
from fleet.people.rules import Action
from fleet.sites.models import Authority, Site

SET_HERE = {
    Level.KIND: gettext_lazy("set for this kind of device"),
    Level.SITE: gettext_lazy("set for this site"),
    Level.DEVICE: gettext_lazy("set for this device"),
}
DETAILS, SET = Action.VIEW_DEVICE_DETAILS, Action.SET_LIMITS
TAKEN_BACK = "monitoring.limit_taken_back"
"""Key in the session: what "back to default" has just ended, so that it can be undone on the page that says so."""
methods = require_http_methods(["GET", "HEAD", "POST"])


@methods
def of_device(request: PageRequest, pk: int) -> HttpResponse:
    target = limits_api.of_device(request.user, pk, _wanted(request))
    devices = Device.objects.filter(pk=pk)
    device = devices.get()
    context = {"title": device.name, "back": reverse("devices:detail", args=[pk]), "back_word": device.name}
    context |= _of_all(request, device.authority_id, device.kind)
    return _page(request, target, context, devices)


@methods
def of_site(request: PageRequest, pk: int) -> HttpResponse:
    target = limits_api.of_site(request.user, pk, _wanted(request))
    site = Site.objects.get(pk=pk)
    context = {"title": site.name, "back": reverse("sites:detail", args=[pk]), "back_word": site.name}
    context |= _of_all(request, site.authority_id, DeviceType.Kind.ACCESS_POINT)
    return _page(request, target, context, site.devices.in_service())


@methods
def of_kind(request: PageRequest, authority: int, kind: str) -> HttpResponse:
    target = limits_api.of_kind(request.user, authority, kind, _wanted(request))
    name = f"{Authority.objects.get(pk=authority).name} · {DeviceType.Kind(kind).label}"
    kinds = [
        (label, reverse("monitoring:kind-limits", args=[authority, value]), value == kind)
        for value, label in DeviceType.Kind.choices
    ]
    back = {"back": reverse("monitoring:faults"), "back_word": _("Faults now")}
    return _page(request, target, {"title": name, "kinds": kinds} | back)


def _of_all(request: PageRequest, authority_id: int, kind: str) -> dict[str, Any]:
    """The way to the limits of whole kinds, for those who may look there."""
    if not request.user.access.may(DETAILS, authority_id):
        return {}
    return {"kinds_url": reverse("monitoring:kind-limits", args=[authority_id, kind])}


def _wanted(request: PageRequest) -> Action:
    return SET if request.method == "POST" else DETAILS


def _page(
    request: PageRequest, target: Target, context: dict[str, Any], devices: QuerySet[Device] | None = None
) -> HttpResponse:
    """`devices`: those that the limits are for; None for all of the kind, whatever it may measure."""
    refused: dict[str, LimitForm] = {}
    if request.method == "POST":
        name = request.POST.get("metric", "")
        if name not in metrics.known():
            raise Http404
        form = LimitForm(request.POST, prefix=name, metric=metrics.known()[name])
        if _saved(request, target, name, form):
            return redirect(f"{request.get_full_path()}#{name}")
        refused[name] = form
    measured = selectors.measured_by(devices) if devices is not None else _of_such(target.place.kind)
    listing = _Listing(limits.read(), target, measured, refused)
    chosen = LimitFilter(request.GET, kinds=measured.kinds)
    context |= listing.shown(chosen.wanted()) | {
        "form": chosen,
        "filtered": any(chosen.wanted().values()),
        "may_set": request.user.access.may(SET, target.place.authority_id, target.place.site_id),
        "form_errors": bool(refused),
        "undo": _undo(request),
    }
    return render(request, "monitoring/limits.html", context, status=422 if refused else 200)


def _of_such(kind: str) -> Measured:
    return Measured(
        frozenset(name for name, metric in metrics.known().items() if applies(metric.source, kind)), frozenset({kind})
    )


def _saved(request: PageRequest, target: Target, name: str, form: LimitForm) -> bool:
    where: dict[str, Any] = {"place": target.place, "level": target.level, "metric": name}
    if request.POST.get("act") == "default":
        before = limits.read().limit(name, target.place, target.level)
        limits.back_to_default(**where)
        _note_taken_back(request, target, name, before)
        return True
    if not form.is_valid():
        return False
    limits.set_limit(threshold=form.threshold(), by=request.user, **where)
    messages.success(request, _("Saved. The next poll is judged by it."))
    return True


def _note_taken_back(request: PageRequest, target: Target, name: str, before: Limit) -> None:
    if before.level is target.level:
        threshold = before.threshold.model_dump() if before.threshold else None
        request.session[TAKEN_BACK] = {"path": request.path, "metric": name, "threshold": threshold}
    else:
        messages.info(request, _("Nothing was set here."))


def _undo(request: PageRequest) -> dict[str, Any] | None:
    """The metric whose limit has just been taken back on this page, and a form that sets it again."""
    said = request.session.get(TAKEN_BACK)
    if request.method == "POST" or not said or said["path"] != request.path or said["metric"] not in metrics.known():
        return None
    del request.session[TAKEN_BACK]
    threshold = Threshold(**said["threshold"]) if said["threshold"] else None
    form = LimitForm.of(Limit(threshold), said["metric"])
    form.auto_id = False  # the form beside it has these ids already
    return {"name": said["metric"], "title": _title(metrics.known()[said["metric"]]), "form": form}


def _title(metric: metrics.Metric) -> str:
    return metric.title.in_language(translation.get_language() or "de")


@dataclass(frozen=True)
class _Listing:
    """The metrics of a page: what is measured here, or set here all the same, before what is not."""

    book: Book
    target: Target
    measured: Measured
    refused: dict[str, LimitForm]

    def shown(self, wanted: dict[str, Any]) -> dict[str, Any]:
        rows = [row for name in self._names() if _fits(row := self._row(name), wanted)]
        used = [row for row in rows if row["used"] or row["own"]]
        return {"rows": rows, "chapters": _chapters(used), "rest": [row for row in rows if row not in used]}

    def _names(self) -> Collection[str]:
        """At a site there may be any kind; else what such a device may measure, and what is set here all the same."""
        if self.target.level is Level.SITE:
            return metrics.known()
        return [
            name
            for name, metric in metrics.known().items()
            if applies(metric.source, self.target.place.kind) or self._limit(name).level is self.target.level
        ]

    def _limit(self, name: str) -> Limit:
        return self.book.limit(name, self.target.place, self.target.level)

    def _row(self, name: str) -> dict[str, Any]:
        metric, limit = metrics.known()[name], self._limit(name)
        own = limit.level is self.target.level
        refused = self.refused.get(name)
        return {
            "name": name,
            "source": metric.source,
            "title": _title(metric),
            "limit": words.limit(metric, limit.threshold),
            "above": words.limit(metric, self.book.above(name, self.target.place, self.target.level).threshold),
            "severity": words.severity(limit.threshold.severity) if limit.threshold else "",
            "origin": SET_HERE.get(limit.level, ""),
            "own": own,
            "used": name in self.measured.metrics,
            "kinds": self._apart(metric) if self.target.level is Level.SITE and not own else [],
            "unit": words.unit(metric.unit),
            "form": refused or LimitForm.of(limit, name),
            "refused": refused is not None,
        }

    def _apart(self, metric: metrics.Metric) -> list[tuple[str, str]]:
        """[(kind, its limit)] of those at the site that have another one than most, where the site sets none."""
        usual = self.book.limit(metric.name, self.target.place, Level.SITE).threshold
        found = limits.of_kinds(self.book, self.target.place.authority_id, metric.name)
        return [
            (str(DeviceType.Kind(kind).label), words.limit(metric, limit.threshold))
            for kind, limit in found.items()
            if limit.threshold != usual and (kind in self.measured.kinds or not self.measured.kinds)
        ]


def _fits(row: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """One whose form was refused stays, or what was typed would be lost."""
    if row["refused"]:
        return True
    kind = wanted.get("kind")
    named = str(wanted.get("q") or "").casefold() in row["title"].casefold()
    return named and (not wanted.get("own") or row["own"]) and (not kind or applies(row["source"], kind))


def _chapters(rows: Sequence[dict[str, Any]]) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """[(code, title, rows)] of the chapters that there are."""
    by_chapter = {code: [row for row in rows if chapter(row["source"]) == code] for code in CHAPTERS}
    return [(code, words.chapter(code), found) for code, found in by_chapter.items() if found]
