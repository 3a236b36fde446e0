from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _


class AutomationConfig(AppConfig):
    name = "fleet.automation"
    verbose_name = _("Automation")

    def ready(self) -> None:
        from fleet.automation import exposition as measures
        from fleet.automation import happenings as happened
        from fleet.automation import panels
        from fleet.automation.checks import (
            check_collections,
            check_declarations,
            check_playbooks,
            check_policy,
            check_programs,
            check_remedies,
        )
        from fleet.automation.services import backups, drift, outlook, remedies
        from fleet.automation.views.credentials import panel as of_credential
        from fleet.automation.views.outlook import of_change_panel
        from fleet.events import consumers
        from fleet.people.rules import Action
        from fleet.web import bulk, exposition, happenings, slots

        register(check_playbooks)
        register(check_collections)
        register(check_policy)
        register(check_remedies)
        register(check_declarations)
        consumers.register("backups", set(backups.SEEN_ENDS), backups.after_change)
        consumers.register("drift", {"backup.changed"}, drift.after_backup)
        register(check_programs)
        exposition.register("automation", measures.ourselves)
        _register_navigation()
        renewing = "automation/pieces/credential_panel.html"
        slots.register(
            "credential", "renewing", slots.Panel(of_credential, renewing, 10, _("Renewing"), action=Action.MANAGE)
        )
        bulk.register(bulk.BulkAct(_("Run a playbook"), "automation:new", "bolt", Action.REQUEST_CHANGE))
        happenings.register("device", "changes", happened.of_device)
        consumers.register(remedies.NAME, remedies.EVENTS, remedies.consume)
        consumers.register(outlook.NAME, outlook.EVENTS, outlook.foresee)
        foreseen = _("Expected and happened")
        piece = "automation/pieces/forecast.html"
        slots.register(
            "change",
            "forecast",
            slots.Panel(of_change_panel, piece, 10, foreseen, action=Action.VIEW_DEVICE_DETAILS),
        )
        template = "automation/pieces/device_panel.html"
        slots.register(
            "device",
            "changes",
            slots.Panel(panels.of_device, template, 40, _("Changes"), action=Action.VIEW_DEVICE_DETAILS),
        )
        panel = slots.Panel(
            panels.backups_of_device,
            "automation/pieces/backups_panel.html",
            45,
            _("Backups"),
            action=Action.VIEW_DEVICE_DETAILS,
        )
        slots.register("device", "backups", panel)


def _register_navigation() -> None:
    from fleet.people.rules import Action
    from fleet.web import navigation

    navigation.register_group(navigation.Group("changes", _("Changes"), "bolt", order=30))
    navigation.register_group(navigation.Group("condition", _("Condition"), "shield-check", order=35))
    technical = Action.VIEW_DEVICE_DETAILS
    for group, label, name, icon, action in (
        ("changes", _("All changes"), "changes", "bolt", technical),
        ("changes", _("Approvals"), "approvals", "hand-thumb-up", Action.APPROVE_CHANGE),
        ("changes", _("Playbooks"), "playbooks", "book-open", technical),
        ("changes", _("Standing orders"), "schedules", "clock", technical),
        ("changes", _("Remedies"), "remedies", "arrow-path", technical),
        ("changes", _("Change policy"), "policy", "calendar-days", technical),
        ("changes", _("Leave"), "leave", "sun", Action.APPROVE_CHANGE),
        ("condition", _("Drift"), "drift", "arrows-right-left", technical),
        ("condition", _("Wanted values"), "intent", "adjustments-horizontal", technical),
        ("condition", _("Compliance"), "compliance", "shield-check", technical),
        ("condition", _("Backups"), "backups", "archive-box", technical),
        ("administration", _("Use of credentials"), "credential-uses", "finger-print", Action.MANAGE),
    ):
        navigation.register(navigation.Item(label, f"automation:{name}", icon, action, order=92, group=group))
