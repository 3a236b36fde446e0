"""What automation did to a device, for its line of time."""

from collections.abc import Iterator
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext_lazy

from fleet.automation import words
from fleet.automation.models import Change, Run
from fleet.automation.views.changes import title
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.web.happenings import Happening

MOST = 100
TOUCHING = (Run.Kind.APPLY, Run.Kind.REVERT, Run.Kind.MEND)
"""A preview changes nothing."""


def of_device(user: User, pk: int, begin: datetime, end: datetime) -> Iterator[Happening]:
    """Every time a playbook has touched it. One query."""
    mine = Change.objects.allowing(user, Action.VIEW_DEVICE_DETAILS).filter(targets__device=pk)
    runs = Run.objects.filter(change__in=mine, kind__in=TOUCHING, started_at__range=(begin, end)).select_related("change")
    for run in runs.order_by("-started_at")[:MOST]:
        change = run.change
        yield Happening(
            run.started_at or change.created_at,
            gettext_lazy("Configuration change"),
            f"{title(change)}: {run.get_kind_display()}, {change.get_state_display()}",
            state=words.PILLS[change.state],
            icon="bolt",
            url=reverse("automation:change", args=[change.pk]),
        )
