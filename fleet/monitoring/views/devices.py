"""The list of devices, and what can be done with many of them at once."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F, OrderBy, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from fleet.devices.models import Device
from fleet.monitoring import estate, selectors, services
from fleet.monitoring.forms import DeviceFilter
from fleet.monitoring.views import PageRequest
from fleet.people.rules import Action
from fleet.sites.models import Site
from fleet.web import bulk as bulk_acts

PAGE_SIZE = 50
MOST_ASKED = 5_000
MOST_PLANNED = 200
"""More devices than these in one window are planned by site or by kind."""
SORTS = {
    "name": ("name", "site__name"),
    "since": ("health__status_since", "name"),
    "site": ("site__name", "name"),
    "room": ("site__name", "room__number", "name"),
    "type": ("type__manufacturer", "type__model", "name"),
    "address": ("address", "name"),
    "serial": ("serial", "name"),
}
COLUMNS = (
    ("name", gettext_lazy("Device"), False),
    ("state", gettext_lazy("State"), False),
    ("since", gettext_lazy("Since"), False),
    ("site", gettext_lazy("Site"), False),
    ("room", gettext_lazy("Room"), False),
    ("type", gettext_lazy("Make and model"), True),
    ("address", gettext_lazy("Address"), True),
    ("serial", gettext_lazy("Serial number"), True),
)
"""(sorted by, title, only for technicians)."""
GIVING_WAY = {"type": "minor", "serial": "minor", "site": "lesser", "room": "lesser", "since": "lesser"}
"""Columns that are not there on narrow screens, or under the first."""


@require_safe
def index(request: PageRequest) -> HttpResponse:
    form = _filter(request, request.GET)
    wanted = form.wanted()
    devices = _chosen(request, wanted)
    details = request.user.access.anywhere(Action.VIEW_DEVICE_DETAILS)
    page = Paginator(_sorted(devices, request.GET.get("sort", "")), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "rows": [_row(request, device) for device in selectors.marked(page)],
        "columns": _columns(request, details=details),
        "technical": details,
        "filtered": any(wanted.values()),
        "sort": request.GET.get("sort", ""),
        "query": request.GET.urlencode(),
        "may_ask": request.user.access.anywhere(Action.POLL_NOW),
        "bulk_acts": bulk_acts.offered(request.user),
        "may_plan": request.user.access.anywhere(Action.PLAN_MAINTENANCE),
        "manages": request.user.access.anywhere(Action.MANAGE),
        "site": next(iter(sites), None) if len(sites := wanted.get("sites", [])) == 1 else None,
    }
    return render(request, "monitoring/pieces/device_rows.html" if request.htmx else "monitoring/devices.html", context)


def _filter(request: PageRequest, said: QueryDict) -> DeviceFilter:
    details = request.user.access.anywhere(Action.VIEW_DEVICE_DETAILS)
    return DeviceFilter(said, sites=Site.objects.visible_to(request.user), details=details)


def _chosen(request: PageRequest, wanted: dict[str, Any]) -> QuerySet[Device]:
    """What the filter leaves of what this person may see."""
    devices = selectors.with_state(Device.objects.visible_to(request.user).exclude(lifecycle=Device.Lifecycle.RETIRED))
    devices = devices.select_related("type", "site", "room__building", "health")
    if wanted.get("q"):
        devices = selectors.search(devices, wanted["q"].strip(), request.user.access.scopes(Action.VIEW_DEVICE_DETAILS))
    if "sites" in wanted:
        devices = devices.filter(site__in=wanted["sites"])
    if wanted.get("kind"):
        devices = devices.filter(kind=wanted["kind"])
    if wanted.get("make"):
        devices = devices.filter(type__manufacturer=wanted["make"])
    if wanted.get("lack"):
        devices = devices.filter(estate.lacking(wanted["lack"]), lifecycle=Device.Lifecycle.ACTIVE)
    if wanted.get("state"):
        devices = selectors.in_state(devices, wanted["state"], Site.objects.visible_to(request.user))
    return devices


# --- columns ----------------------------------------------------------------------------------------------------------


def _sorted(devices: QuerySet[Device], said: str) -> QuerySet[Device]:
    """Worst first, unless a column is chosen: `name`, or `-name` for the other way round."""
    fields = SORTS.get(said.removeprefix("-"))
    if fields is None:
        return devices.order_by(selectors.WORST_FIRST, "site__name", "name")
    first = OrderBy(F(fields[0]), descending=said.startswith("-"), nulls_last=True)
    return devices.order_by(first, *fields[1:], "pk")


def _columns(request: PageRequest, *, details: bool) -> list[dict[str, str]]:
    """What each heading links to: sorted by it, and once more the other way round."""
    sort = request.GET.get("sort", "")
    return [_column(name, str(title), sort) for name, title, technically in COLUMNS if details or not technically]


def _column(name: str, title: str, sort: str) -> dict[str, str]:
    if name == "state":
        return {"title": title, "sort": "", "order": "" if sort.removeprefix("-") in SORTS else "descending"}
    order = {name: "ascending", f"-{name}": "descending"}.get(sort, "")
    column = {"title": title, "sort": f"-{name}" if order == "ascending" else name, "order": order}
    return column | {"weight": GIVING_WAY.get(name, "")}


def _row(request: PageRequest, device: Device) -> dict[str, Any]:
    state = selectors.state_of(device)
    details = technical(request, device)
    return {
        "device": device,
        "state": state.state,
        "word": state_word(state.state),
        "since": state.since,
        "address": device.address if details else None,
        "serial": device.serial if details else "",
    }


def state_word(state: str) -> str:
    return {
        "ok": _("Running"),
        "watch": _("Limit exceeded"),
        "down": _("Not answering"),
        "maintenance": _("Maintenance"),
    }.get(state, _("Not known yet"))


def technical(request: PageRequest, device: Device) -> bool:
    return request.user.access.may(Action.VIEW_DEVICE_DETAILS, device.authority_id, device.site_id)


# --- many at once -----------------------------------------------------------------------------------------------------


@require_POST
def bulk(request: PageRequest) -> HttpResponse:
    """`act` ask or plan, for the marked `device`s, or with `all` for everything that the filter in `query` leaves."""
    query = QueryDict(request.POST.get("query", ""))
    back = f"{reverse('devices:list')}?{query.urlencode()}"
    if request.POST.get("act") == "plan":
        return _plan(request, meant(request, query, Action.PLAN_MAINTENANCE), back)
    return _ask(request, meant(request, query, Action.POLL_NOW), back)


def meant(request: PageRequest, query: QueryDict, action: Action) -> QuerySet[Device]:
    """Of those meant the ones with which this person may do it."""
    allowed = Device.objects.allowing(request.user, action)
    if "all" in request.POST:
        return allowed.filter(pk__in=_chosen(request, _filter(request, query).wanted()).order_by().values("pk"))
    return allowed.filter(pk__in=[int(pk) for pk in request.POST.getlist("device") if pk.isdecimal()])


def _ask(request: PageRequest, devices: QuerySet[Device], back: str) -> HttpResponse:
    ids = list(devices.filter(health__isnull=False).order_by("pk").values_list("pk", flat=True)[: MOST_ASKED + 1])
    if len(ids) > MOST_ASKED:
        messages.error(request, _("More than %d devices at once: choose a site or a kind first.") % MOST_ASKED)
    elif ids:
        services.poll_soon(device_ids=ids)
        said = ngettext("%d device is being asked now.", "%d devices are being asked now.", len(ids))
        messages.success(request, said % len(ids))
    else:
        messages.info(request, _("None of them can be asked: mark some devices first."))
    return redirect(back)


def _plan(request: PageRequest, devices: QuerySet[Device], back: str) -> HttpResponse:
    """On to the form: a window covers devices of one site."""
    rows = list(devices.in_service().order_by("pk").values_list("pk", "site_id")[: MOST_PLANNED + 1])  # type: ignore[attr-defined]  # a DeviceQuerySet
    sites = {site_id for _pk, site_id in rows}
    if not rows:
        messages.info(request, _("Maintenance can be planned for none of them: mark some devices first."))
        return redirect(back)
    if len(sites) > 1 or len(rows) > MOST_PLANNED:
        messages.error(request, _("Maintenance is planned for devices of one site: choose the site first."))
        return redirect(back)
    said = [("site", sites.pop()), *(("device", pk) for pk, _site in rows)]
    return redirect(f"{reverse('maintenance:new')}?{urlencode(said)}")
