"""A school closes: what still hangs on it is shown first, each with the way there."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fleet.people.roles import role_label
from fleet.sites import hanging, services
from fleet.sites.models import Site
from fleet.sites.services import InUseError
from fleet.sites.views import PageRequest
from fleet.sites.views.shared import edited, governs


def _governed(request: PageRequest, pk: int) -> Site:
    site = get_object_or_404(Site.objects.managed_by(request.user), pk=pk)
    if not governs(request, site):
        raise Http404
    return site


@edited
def close(request: PageRequest, pk: int) -> HttpResponse:
    site = _governed(request, pk)
    if site.closed_at:
        return redirect("places:school", pk=pk)
    if request.method == "POST":
        try:
            services.close_site(site=site, at=timezone.now(), by=request.user)
        except InUseError:
            messages.warning(request, _("%s stays open: something still hangs on it.") % site.name)
        else:
            messages.success(request, _("%s is closed. What was there is kept and can be read.") % site.name)
            return redirect("places:school", pk=pk)
    status = 409 if request.method == "POST" else 200
    held = site.scope.grants.current(timezone.now()).select_related("user").order_by("user__name", "role")
    people = [(grant.user, role_label(grant.role)) for grant in held]
    context = {"site": site, "hanging": hanging.on(hanging.SITE, pk), "people": people}
    return render(request, "sites/close.html", context, status=status)


@require_POST
def reopen(request: PageRequest, pk: int) -> HttpResponse:
    site = _governed(request, pk)
    if services.reopen_site(site=site, by=request.user):
        messages.success(request, _("%s is open again. Whoever works there gets their role anew.") % site.name)
    return redirect("places:school", pk=pk)
