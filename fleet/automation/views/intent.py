"""What devices should be: values at levels, set by whoever manages the place, and the zones of the network."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from fleet.automation.declared import keys
from fleet.automation.forms_intent import ValueForm, ZoneForm, labels, shown
from fleet.automation.models import Baseline, Zone
from fleet.automation.services import intent as intents
from fleet.automation.services.intent import IntentError
from fleet.automation.views.outlook import person
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Authority, Site

PAGE_SIZE = 50
SEEN = Action.VIEW_DEVICE_DETAILS


@require_http_methods(["GET", "HEAD", "POST"])
def intent(request: HttpRequest) -> HttpResponse:
    """What is wanted, level by level."""
    if request.method != "POST":
        return _page(request)
    form = _value_form(request, request.POST)
    if form is None:
        raise Http404
    return redirect("automation:intent") if form.is_valid() and _set(request, form) else _page(request, form=form)


@require_POST
def set_zone(request: HttpRequest) -> HttpResponse:
    managed = _authorities(request)
    if not managed:
        raise Http404
    form = ZoneForm(managed, request.POST)
    if not (form.is_valid() and _set_zone(form)):
        return _page(request, zone_form=form)
    messages.success(request, _("Saved."))
    return redirect("automation:intent")


def _set_zone(form: ZoneForm) -> bool:
    data = form.cleaned_data
    authority = Authority.objects.get(pk=data["authority"])
    try:
        intents.set_zone(authority=authority, name=data["name"], networks=data["networks"].split())
    except IntentError as error:
        form.add_error("networks", error.sentence)
        return False
    return True


@require_POST
def forget_zone(request: HttpRequest, pk: int) -> HttpResponse:
    zone = get_object_or_404(Zone.objects.filter(authority__in=_authorities(request)), pk=pk)
    intents.forget_zone(zone=zone)
    messages.success(request, _("Taken away. What is wanted more broadly counts again."))
    return redirect("automation:intent")


def _authorities(request: HttpRequest) -> list[Authority]:
    return list(Authority.objects.filter(pk__in=person(request).access.scopes(Action.MANAGE)).order_by("name"))


def _page(request: HttpRequest, *, form: ValueForm | None = None, zone_form: ZoneForm | None = None) -> HttpResponse:
    managed, seen = _authorities(request), Site.objects.allowing(request.user, SEEN)
    page = Paginator(intents.values_seen_by(person(request)), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [_baseline_row(one, person(request)) for one in page],
        "form": form or _value_form(request, None),
        "zones": Zone.objects.filter(authority__in=seen.values("authority")).select_related("authority"),
        "zone_form": zone_form or (ZoneForm(managed) if managed else None),
        "managed": {authority.pk for authority in managed},
    }
    return render(request, "automation/intent/intent.html", context, status=422 if form or zone_form else 200)


def _baseline_row(one: Baseline, user: User) -> dict[str, Any]:
    return {
        "row": one,
        "label": labels().get(one.key, one.key),
        "value": shown(keys().get(one.key), intents.value_of(one)),
        "whose": _whose(one),
        "may": user.access.may(Action.MANAGE, one.authority_id, one.site_id),
    }


def _whose(one: Baseline) -> str:
    part = one.platform or (one.zone.name if one.zone else "")
    return str(one.device or one.site or (f"{one.authority} · {part}" if part else one.authority))


def _value_form(request: HttpRequest, data: Any) -> ValueForm | None:
    managed = Site.objects.allowing(request.user, Action.MANAGE)
    return ValueForm(_authorities(request), managed, data) if managed.exists() else None


def _place(site: Site | None, word: str) -> intents.Place:
    """`word`: where there is no site, one of the form's own choices."""
    if site:
        return intents.Place(site.authority, site=site)
    level, key, *platform = word.split(":")
    number = int(key)
    if level == "zone":
        zone = Zone.objects.select_related("authority").get(pk=number)
        return intents.Place(zone.authority, zone=zone)
    return intents.Place(Authority.objects.get(pk=number), platform=platform[0] if platform else "")


def _set(request: HttpRequest, form: ValueForm) -> bool:
    data = form.cleaned_data
    place = _place(data["school"], data.get("everywhere", ""))
    try:
        intents.set_value(place=place, key=data["key"], value=form.parsed(), by=person(request))
    except IntentError as error:
        form.add_error("value", error.sentence)
        return False
    messages.success(request, _("Set. Devices are compared with it within the hour."))
    return True


@require_POST
def forget(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Baseline.objects.allowing(request.user, Action.MANAGE), pk=pk)
    if intents.forget(baseline=row, by=person(request)):
        messages.success(request, _("Taken away. What is wanted more broadly counts again."))
    else:
        messages.error(request, _("It was changed meanwhile. Read it again, then decide."))
    return redirect("automation:intent")
