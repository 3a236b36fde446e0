"""The schools that somebody manages: the list, one of them with its buildings and rooms, a new one, other details."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, IntegerField, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from fleet.sites import services
from fleet.sites.models import Building, Room, Site
from fleet.sites.place_forms import SchoolForm, SchoolsFilter
from fleet.sites.rules.state_holidays import NAMES
from fleet.sites.typed import matching
from fleet.sites.views import PageRequest
from fleet.sites.views.shared import MANAGE, authorities, edited, governs, shown, written

PAGE_SIZE = 50


@require_safe
def index(request: PageRequest) -> HttpResponse:
    """By name; `?q=&kind=&state=`."""
    if not request.user.access.anywhere(MANAGE):
        raise Http404
    form = SchoolsFilter(request.GET)
    rows = _counted(_chosen(Site.objects.managed_by(request.user), form)).order_by("name", "pk")
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "filtered": any(form.wanted(name) for name in form.fields),
        "may_found": authorities(request.user).exists(),
        "query": request.GET.urlencode(),
    }
    return render(request, "sites/pieces/school_rows.html" if request.htmx else "sites/schools.html", context)


def _chosen(sites: QuerySet[Site], form: SchoolsFilter) -> QuerySet[Site]:
    state = form.wanted("state")
    if state != "all":
        sites = sites.filter(closed_at__isnull=state != "closed")
    if kind := form.wanted("kind"):
        sites = sites.filter(kind=kind)
    return matching(sites, form.wanted("q"))


def _counted(sites: QuerySet[Site]) -> QuerySet[Site]:
    return sites.annotate(building_count=_count_of(Building), room_count=_count_of(Room))


def _count_of(model: type[Building | Room]) -> Coalesce:
    rows = model._default_manager.filter(site=OuterRef("pk")).order_by().values("site").annotate(count=Count("pk"))
    return Coalesce(Subquery(rows.values("count"), output_field=IntegerField()), 0)


@edited
def create(request: PageRequest) -> HttpResponse:
    if not authorities(request.user).exists():
        raise Http404
    form = SchoolForm(request.POST if request.method == "POST" else None, user=request.user)
    made: list[Site] = []
    if form.is_valid() and written(
        form,
        lambda: made.append(services.create_site(authority=form.tenant, details=form.details, by=request.user)),
    ):
        messages.success(request, _("%s is there. Now its buildings and rooms.") % made[0].name)
        return redirect("places:school", pk=made[0].pk)
    return shown(request, form, title=_("A new school"), button=_("Make the school"))


@require_safe
def detail(request: PageRequest, pk: int) -> HttpResponse:
    site = get_object_or_404(Site.objects.managed_by(request.user).select_related("authority"), pk=pk)
    rooms = Prefetch("rooms", Room.objects.order_by("floor", "number", "pk"))
    context: dict[str, Any] = {
        "site": site,
        "buildings": Building.objects.filter(site=site).prefetch_related(rooms).order_by("name", "pk"),
        "facts": _facts(site),
        "governs": governs(request, site),
    }
    return render(request, "sites/school.html", context)


def _facts(site: Site) -> list[tuple[str, str | None]]:
    place = " ".join(filter(None, (site.postcode, site.city)))
    return [
        (_("Kind"), site.get_kind_display()),
        (_("Address"), ", ".join(filter(None, (site.street, place))) or None),
        (_("Short name"), site.slug),
        (_("Federal state"), str(NAMES.get(site.federal_state, site.federal_state))),
        (_("Time zone"), site.timezone),
        (_("Authority"), site.authority.name),
    ]


@edited
def edit(request: PageRequest, pk: int) -> HttpResponse:
    site = get_object_or_404(Site.objects.managed_by(request.user).open().select_related("authority"), pk=pk)
    if not governs(request, site):
        raise Http404
    form = SchoolForm(
        request.POST if request.method == "POST" else None, user=request.user, row=site, initial={"version": site.version}
    )
    if form.is_valid() and written(
        form, lambda: services.update_site(site=form.seen(), details=form.details, by=request.user)
    ):
        messages.success(request, _("Saved."))
        return redirect("places:school", pk=site.pk)
    return shown(request, form, site=Site.objects.get(pk=pk), title=_("Details of the school"))
