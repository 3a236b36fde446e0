"""Groups of sites that workers of their own poll."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from fleet.monitoring.models import PollGroup
from fleet.monitoring.services import groups
from fleet.monitoring.services.asking import queue_name
from fleet.monitoring.services.groups import GroupError
from fleet.monitoring.views import PageRequest
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site
from fleet.sites.typed import SchoolField, by_id, offer_schools

PAGE_SIZE = 50
methods = require_http_methods(["GET", "HEAD", "POST"])


class GroupForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    queue = forms.RegexField(
        "^[a-z0-9-]+$",
        label=gettext_lazy("Queue"),
        max_length=40,
        help_text=gettext_lazy("Small letters, digits and hyphens. Workers are started with it, so it stays as it is."),
    )


class NameForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)


class SiteForm(forms.Form):
    school = SchoolField(
        label=gettext_lazy("Site"), help_text=gettext_lazy("A site that is in another group leaves that one.")
    )

    def __init__(self, data: Any, *, user: User) -> None:
        super().__init__(data)
        offer_schools(self, groups.sites_of(user))


@methods
def index(request: PageRequest) -> HttpResponse:
    """The groups, and a new one."""
    if not request.user.access.anywhere(Action.MANAGE):
        raise Http404
    form = GroupForm(request.POST or None)
    if form.is_valid():
        try:
            row = groups.create(name=form.cleaned_data["name"], queue=form.cleaned_data["queue"], by=request.user)
        except GroupError as error:
            form.add_error(error.field, error.reason)
        else:
            messages.success(request, _("The group is made. Put its sites into it."))
            return redirect("sites:poll-group", pk=row.pk)
    mine = Q(sites__site__in=groups.sites_of(request.user).order_by().values("pk"))
    rows = PollGroup.objects.allowing(request.user, Action.MANAGE).annotate(count=Count("sites", filter=mine, distinct=True))
    context = {"groups": rows.order_by("name"), "form": form}
    return render(request, "monitoring/poll_groups.html", context, status=422 if form.errors else 200)


@methods
def detail(request: PageRequest, pk: int) -> HttpResponse:
    """Its name, its sites, and one more of them: each is a form of its own."""
    group = get_object_or_404(PollGroup.objects.allowing(request.user, Action.MANAGE), pk=pk)
    inside = groups.sites_of(request.user).filter(poll_group__group=group)
    if "remove" in request.POST:
        return _taken_out(request, group, inside)
    adds = "school" in request.POST
    naming = NameForm(request.POST if request.method == "POST" and not adds else None, initial={"name": group.name})
    adding = SiteForm(request.POST if adds else None, user=request.user)
    if _renamed(request, group, naming) or _put(request, group, adding):
        messages.success(request, _("Saved. From now on these sites are polled by the group's workers."))
        return redirect("sites:poll-group", pk=group.pk)
    context = {
        "group": group,
        "naming": naming,
        "adding": adding,
        "page": Paginator(inside, PAGE_SIZE).get_page(request.GET.get("page")),
        "queues": [queue_name(purpose, group.queue) for purpose in ("polling", "asking", "searching")],
    }
    return render(request, "monitoring/poll_group.html", context, status=422 if naming.errors or adding.errors else 200)


def _renamed(request: PageRequest, group: PollGroup, form: NameForm) -> bool:
    if not form.is_valid():
        return False
    try:
        groups.rename(group=group, name=form.cleaned_data["name"], by=request.user)
    except GroupError as error:
        form.add_error(error.field, error.reason)
        return False
    return True


def _put(request: PageRequest, group: PollGroup, form: SiteForm) -> bool:
    if not form.is_valid():
        return False
    groups.put(group=group, site=form.cleaned_data["school"], by=request.user)
    return True


def _taken_out(request: PageRequest, group: PollGroup, inside: QuerySet[Site]) -> HttpResponse:
    if site := by_id(inside, request.POST["remove"]):
        groups.take_out(group=group, site=site, by=request.user)
        messages.success(request, _("%s is polled by the usual workers again.") % site.name)
    stays = PollGroup.objects.allowing(request.user, Action.MANAGE).filter(pk=group.pk).exists()
    return redirect("sites:poll-group", pk=group.pk) if stays else redirect("sites:poll-groups")
