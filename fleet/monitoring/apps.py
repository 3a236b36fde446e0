from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class MonitoringConfig(AppConfig):
    name = "fleet.monitoring"
    verbose_name = _("Monitoring")

    def ready(self) -> None:
        from fleet.events import consumers as outbox
        from fleet.monitoring import consumers, hanging
        from fleet.monitoring import exposition as measures
        from fleet.monitoring import happenings as happened
        from fleet.monitoring.checks import check_metrics, check_traps
        from fleet.people.rules import Action
        from fleet.web import exposition, happenings, navigation

        checks.register(check_metrics)
        hanging.register()
        outbox.register(consumers.NAME, consumers.EVENTS, consumers.consume)
        exposition.register("monitoring", measures.ourselves)
        exposition.register("queues", measures.queues)
        checks.register(check_traps)
        happenings.register("device", "monitoring", happened.of_device)
        technical = Action.VIEW_DEVICE_DETAILS
        navigation.register_group(navigation.Group("faults", _("Faults"), "exclamation-triangle", order=15))
        navigation.register_group(navigation.Group("inventory", _("Devices"), "server-stack", order=60))
        for item in (
            navigation.Item(_("Faults"), "monitoring:faults", "exclamation-triangle", technical, order=15, group="faults"),
            navigation.Item(_("Maintenance"), "maintenance:list", "wrench-screwdriver", technical, order=17, group="faults"),
            navigation.Item(_("Devices"), "devices:list", "server-stack", Action.VIEW_SITE, order=60, group="inventory"),
            navigation.Item(_("Sites"), "sites:list", "building-office-2", technical, order=65, group="inventory"),
        ):
            navigation.register(item)
