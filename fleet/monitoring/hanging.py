"""What of monitoring keeps a school open."""

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.monitoring.models import MaintenanceWindow
from fleet.sites import hanging


def register() -> None:
    planned = hanging.Thing(_("Planned maintenance"), _planned, lambda _pk: reverse("maintenance:list"), 40)
    hanging.register(hanging.SITE, "maintenance", planned)


def _planned(pk: int) -> int:
    return MaintenanceWindow.objects.to_come(timezone.now()).filter(site=pk).count()
