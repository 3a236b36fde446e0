from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _


class AutomationConfig(AppConfig):
    name = "fleet.automation"
    verbose_name = _("Automation")

    def ready(self) -> None:
        from fleet.automation import panels
        from fleet.automation.checks import check_playbooks
        from fleet.people.rules import Action
        from fleet.web import navigation, slots

        register(check_playbooks)
        navigation.register(
            navigation.Item(_("Changes"), "automation:changes", "bolt", Action.VIEW_DEVICE_DETAILS, order=40)
        )
        navigation.register(
            navigation.Item(_("Approvals"), "automation:approvals", "hand-thumb-up", Action.APPROVE_CHANGE, order=45)
        )
        template = "automation/pieces/device_panel.html"
        slots.register(
            "device",
            "changes",
            slots.Panel(panels.of_device, template, 40, _("Changes"), action=Action.VIEW_DEVICE_DETAILS),
        )
