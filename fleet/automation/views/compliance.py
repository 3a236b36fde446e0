"""How devices stand to the rules: by site, and as a table to take along."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from fleet.automation.declared import rules
from fleet.automation.forms_intent import ComplianceFilter
from fleet.automation.inventory import batched
from fleet.automation.rules.compliance import Verdict
from fleet.automation.services import compliance as judging
from fleet.devices.models import Device
from fleet.people.rules import Action
from fleet.sites.models import Site
from fleet.web.spreadsheets import csv_cell

PAGE_SIZE = 25
"""Sites."""
LISTED = 200
"""Devices that violate a rule."""
CSV_DEVICES = 500
SEEN = Action.VIEW_DEVICE_DETAILS
VERDICT_PILLS = {"met": "ok", "violated": "down", "unknown": "unknown", "not-applicable": "info"}
VERDICT_WORDS = {
    "met": gettext_lazy("Met"),
    "violated": gettext_lazy("Violated"),
    "unknown": pgettext_lazy("verdict of a rule", "Not known"),
    "not-applicable": gettext_lazy("Does not apply"),
}


@require_safe
def compliance(request: HttpRequest) -> HttpResponse:
    """A table of sites and rules, some sites a page, and the devices there that violate one."""
    form = _form(request)
    devices = _devices(request, form)
    sites = Site.objects.filter(Exists(devices.filter(site=OuterRef("pk")))).order_by("name", "pk")
    page = Paginator(sites, PAGE_SIZE).get_page(request.GET.get("page"))
    here = devices.filter(site__in=[site.pk for site in page])
    judgements = judging.report(list(here.select_related("site").order_by("site__name", "site", "name")))
    context = {"form": form, "rules": _rules(), "page": page, "sites": _by_site(judgements)}
    return render(request, "automation/intent/compliance.html", context | {"violations": _violations(form, judgements)})


def _form(request: HttpRequest) -> ComplianceFilter:
    return ComplianceFilter(request.GET, sites=Site.objects.allowing(request.user, SEEN))


def _devices(request: HttpRequest, form: ComplianceFilter) -> QuerySet[Device]:
    return form.at_school(judging.judged_devices().allowing(request.user, SEEN))


def _rules() -> list[dict[str, str]]:
    language = get_language()
    return [
        {
            "name": name,
            "module": one.module,
            "title": one.title.text.in_language(language),
            "advice": one.advice.text.in_language(language),
        }
        for name, one in rules().items()
    ]


def _by_site(judgements: list[judging.Judgement]) -> list[dict[str, Any]]:
    tallies: dict[Site, dict[str, Counter[Verdict]]] = {}
    for one in judgements:
        tally = tallies.setdefault(one.device.site, {name: Counter() for name in rules()})
        for name, verdict in one.verdicts.items():
            tally[name][verdict] += 1
    return [
        {"site": site, "cells": [{"rule": rule["title"], **_cell(tally[rule["name"]])} for rule in _rules()]}
        for site, tally in tallies.items()
    ]


def _cell(tally: Counter[Verdict]) -> dict[str, Any]:
    """The worst there is, and how many of how many."""
    order = (Verdict.VIOLATED, Verdict.UNKNOWN, Verdict.MET, Verdict.NOT_APPLICABLE)
    worst = next((verdict for verdict in order if tally[verdict]), Verdict.UNKNOWN)
    return {"pill": VERDICT_PILLS[worst], "word": VERDICT_WORDS[worst], "count": tally[worst], "of": tally.total()}


def _violations(form: ComplianceFilter, judgements: list[judging.Judgement]) -> list[dict[str, Any]]:
    wanted = form.wanted("rule")
    return [
        {"rule": rule, "device": one.device, "backup_id": one.backup_id}
        for rule in _rules()
        for one in judgements
        if one.verdicts[rule["name"]] == Verdict.VIOLATED and wanted in {"", None, rule["name"]}
    ][:LISTED]


@require_safe
def compliance_csv(request: HttpRequest) -> StreamingHttpResponse:
    """A row for each device and rule. Texts that a spreadsheet would take for a formula are marked as text."""
    devices = _devices(request, _form(request)).order_by("site__name", "site", "name", "pk")
    head = [_("School"), _("Device"), _("Module"), _("Rule"), _("Verdict"), _("Backup")]
    lines = _lines(
        list(devices.values_list("pk", flat=True)), _rules(), {key: str(word) for key, word in VERDICT_WORDS.items()}
    )
    answer = StreamingHttpResponse(chain([_line(head)], lines), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="compliance.csv"'
    return answer


def _lines(device_ids: list[int], said: list[dict[str, str]], words: dict[str, str]) -> Iterator[str]:
    """So many devices at a time, so that a whole city needs no more memory than a school."""
    for some in batched(device_ids, CSV_DEVICES):
        known = Device.objects.select_related("site").in_bulk(some)
        for one in judging.report([known[pk] for pk in some if pk in known]):
            for rule in said:
                word = words[one.verdicts[rule["name"]]]
                yield _line(
                    [one.device.site.name, one.device.name, rule["module"], rule["title"], word, one.backup_id or ""]
                )


def _line(cells: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow([csv_cell(str(cell)) for cell in cells])
    return text.getvalue()
