from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _


class AutomationConfig(AppConfig):
    name = "fleet.automation"
    verbose_name = _("Automation")

    def ready(self) -> None:
        from fleet.automation import exposition as measures
        from fleet.automation import hanging
        from fleet.automation import happenings as happened
        from fleet.automation.belongings import owned_by
        from fleet.people import above
        from fleet.people.rules import Action
        from fleet.web import bulk, exposition, happenings

        hanging.register()
        _register_checks()
        _register_consumers()
        _register_panels()
        _register_navigation()
        exposition.register("automation", measures.ourselves)
        happenings.register("device", "changes", happened.of_device)
        above.register_belongings("schedules", owned_by)
        bulk.register(bulk.BulkAct(_("Run a playbook"), "automation:new", "bolt", Action.REQUEST_CHANGE))


def _register_checks() -> None:
    from fleet.automation import checks

    for check in (
        checks.check_playbooks,
        checks.check_collections,
        checks.check_policy,
        checks.check_remedies,
        checks.check_declarations,
        checks.check_programs,
        checks.check_git,
    ):
        register(check)
    register(checks.check_sandbox, deploy=True)


def _register_consumers() -> None:
    from fleet.automation.services import backups, drift, outlook, remedies
    from fleet.events import consumers

    consumers.register("backups", set(backups.SEEN_ENDS), backups.after_change)
    consumers.register("drift", {"backup.changed"}, drift.after_backup)
    consumers.register(remedies.NAME, remedies.EVENTS, remedies.consume, remedies.concerned)
    consumers.register(outlook.NAME, outlook.EVENTS, outlook.foresee)


def _register_panels() -> None:
    from fleet.automation import panels
    from fleet.automation.views.credentials import panel as of_credential
    from fleet.automation.views.outlook import of_change_panel
    from fleet.people.rules import Action
    from fleet.web import slots

    technical = Action.VIEW_DEVICE_DETAILS
    for place, name, content, piece, order, label, action in (
        ("credential", "renewing", of_credential, "credential_panel", 10, _("Renewing"), Action.MANAGE),
        ("change", "forecast", of_change_panel, "forecast", 10, _("Expected and happened"), technical),
        ("device", "changes", panels.of_device, "device_panel", 40, _("Changes"), technical),
        ("device", "backups", panels.backups_of_device, "backups_panel", 45, _("Backups"), technical),
    ):
        template = f"automation/pieces/{piece}.html"
        slots.register(place, name, slots.Panel(content, template, order, label, action=action))


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
