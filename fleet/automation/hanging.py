"""What of automation keeps a school open."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from fleet.automation.models import Change, Schedule
from fleet.automation.services.drift import UNDER_WAY
from fleet.sites import hanging


def register() -> None:
    changes = hanging.Thing(_("Changes under way"), _under_way, lambda _pk: reverse("automation:changes"), 30)
    orders = hanging.Thing(_("Standing orders"), _standing, lambda _pk: reverse("automation:schedules"), 35)
    hanging.register(hanging.SITE, "changes", changes)
    hanging.register(hanging.SITE, "schedules", orders)


def _under_way(pk: int) -> int:
    return Change.objects.filter(site=pk, state__in=UNDER_WAY).count()


def _standing(pk: int) -> int:
    return Schedule.objects.filter(site=pk, enabled=True).count()
