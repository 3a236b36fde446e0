from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class MonitoringConfig(AppConfig):
    name = "fleet.monitoring"
    verbose_name = _("Monitoring")

    def ready(self) -> None:
        from fleet.monitoring.checks import check_metrics
        from fleet.people.rules import Action
        from fleet.web import navigation

        checks.register(check_metrics)
        technical = Action.VIEW_DEVICE_DETAILS
        for item in (
            navigation.Item(_("Faults"), "monitoring:faults", "exclamation-triangle", technical, order=20),
            navigation.Item(_("Devices"), "devices:list", "server-stack", Action.VIEW_SITE, order=60),
            navigation.Item(_("Sites"), "sites:list", "building-office-2", technical, order=65),
        ):
            navigation.register(item)
