"""The sites of a technician or an administrator, and one site at a glance."""

from itertools import groupby

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from fleet.monitoring import selectors, words
from fleet.monitoring.models import Alert
from fleet.monitoring.views import PageRequest
from fleet.monitoring.views.devices import state_word
from fleet.people.rules import Action
from fleet.sites.models import Site


@require_safe
def index(request: PageRequest) -> HttpResponse:
    sites = selectors.sites_overview(Site.objects.visible_to(request.user).select_related("authority"))
    return render(request, "monitoring/sites.html", {"sites": sites})


@require_safe
def detail(request: PageRequest, pk: int) -> HttpResponse:
    site = get_object_or_404(Site.objects.visible_to(request.user).select_related("authority"), pk=pk)
    rooms = [(room, state_word(room.state)) for room in selectors.room_states(site)]
    technical = request.user.access.may(Action.VIEW_DEVICE_DETAILS, site.authority_id, site.pk)
    faults: list[Alert] = list(selectors.faults(Alert.objects.filter(site=site))) if technical else []
    context = {
        "site": site,
        "buildings": [(name, list(group)) for name, group in groupby(rooms, key=lambda pair: pair[0].building)],
        "faults": [(alert, words.fault(alert)) for alert in faults],
        "technical": technical,
        "affected": sum(room.state == "down" for room, _word in rooms),
    }
    return render(request, "monitoring/site.html", context)
