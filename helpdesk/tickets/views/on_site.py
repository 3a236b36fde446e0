"""A technician's day on the road."""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from fleet.people.rules import Action
from helpdesk.tickets import visits
from helpdesk.tickets.views.common import person
from helpdesk.tickets.words import due, part


@require_safe
def on_site(request: HttpRequest) -> HttpResponse:
    user = person(request)
    if not user.access.anywhere(Action.WORK_TICKETS):
        raise Http404
    day, now = visits.day(user), timezone.now()
    context = {
        "day": day,
        "stops": [_stop(stop, now) for stop in day.stops],
        "parts": [(part(one), count) for one, count in day.parts],
    }
    return render(request, "tickets/on_site.html", context)


def _stop(stop: visits.Stop, now: datetime) -> dict[str, Any]:
    places = [{"building": place.building, "tasks": [_task(task, now) for task in place.tasks]} for place in stop.places]
    return {"site": stop.site, "places": places}


def _task(task: visits.Task, now: datetime) -> dict[str, Any]:
    return {
        "ticket": task.ticket,
        "room": task.room,
        "devices": task.devices,
        "parts": [part(one) for one in task.parts],
        "due": due(task.ticket, now),
    }
