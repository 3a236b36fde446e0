"""Groups of sites that workers of their own poll."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, Q
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
from fleet.web.offers import offer_rows

methods = require_http_methods(["GET", "HEAD", "POST"])


class GroupForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    queue = forms.RegexField(
        "^[a-z0-9-]+$",
        label=gettext_lazy("Queue"),
        max_length=40,
        help_text=gettext_lazy("Small letters, digits and hyphens. Workers are started with it, so it stays as it is."),
    )


class ChangeForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    sites = forms.ModelMultipleChoiceField(
        Site.objects.none(),
        label=gettext_lazy("Sites"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("A site that is in another group leaves that one."),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_rows(self, "sites", groups.sites_of(user))


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
            messages.success(request, _("The group is made. Choose its sites."))
            return redirect("sites:poll-group", pk=row.pk)
    mine = Q(sites__site__in=groups.sites_of(request.user).order_by().values("pk"))
    rows = PollGroup.objects.allowing(request.user, Action.MANAGE).annotate(count=Count("sites", filter=mine, distinct=True))
    context = {"groups": rows.order_by("name"), "form": form}
    return render(request, "monitoring/poll_groups.html", context, status=422 if form.errors else 200)


@methods
def detail(request: PageRequest, pk: int) -> HttpResponse:
    group = get_object_or_404(PollGroup.objects.allowing(request.user, Action.MANAGE), pk=pk)
    said = {"name": group.name, "sites": group.sites.values_list("site_id", flat=True)}
    form = ChangeForm(request.POST or None, user=request.user, initial=said)
    if form.is_valid():
        chosen = [site.pk for site in form.cleaned_data["sites"]]
        try:
            groups.change(group=group, name=form.cleaned_data["name"], site_ids=chosen, by=request.user)
        except GroupError as error:
            form.add_error(error.field, error.reason)
        else:
            messages.success(request, _("Saved. From now on these sites are polled by the group's workers."))
            return redirect("sites:poll-groups")
    context = {
        "group": group,
        "form": form,
        "queues": [queue_name(purpose, group.queue) for purpose in ("polling", "asking", "searching")],
    }
    return render(request, "monitoring/poll_group.html", context, status=422 if form.errors else 200)
