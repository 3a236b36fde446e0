"""For a coordinator before a device: how to scan its label, or what to type of it."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from fleet.devices.models import Device
from fleet.people.rules import Action
from helpdesk.portal.rules.labels import device_of_code
from helpdesk.portal.views import person


@require_safe
def code(request: HttpRequest) -> HttpResponse:
    """With `?code=` on to the report about that device."""
    user = person(request)
    if not user.access.anywhere(Action.REPORT_PROBLEM):
        raise Http404
    typed = request.GET.get("code", "").strip()[:40]
    if not typed:
        return render(request, "portal/code.html")
    number = device_of_code(typed)
    mine = Device.objects.allowing(user, Action.REPORT_PROBLEM).in_service()
    device = mine.filter(pk=number).first() if number else None
    if device is not None:
        return redirect(f"{reverse('portal:report')}?device={device.pk}#what")
    problem = (
        _("At your schools there is no device with this code. Please look at the label once more.")
        if number
        else _("This is not a code of a label. It looks like 00A-7K.")
    )
    return render(request, "portal/code.html", {"typed": typed, "problem": problem}, status=422)
