from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PortalConfig(AppConfig):
    name = "helpdesk.portal"
    verbose_name = _("Portal")

    def ready(self) -> None:
        from fleet.people.rules import Action
        from fleet.web import bulk, navigation, slots
        from helpdesk.knowledge import services as knowledge
        from helpdesk.portal.services import drafts
        from helpdesk.portal.views import labels
        from helpdesk.tickets import notices

        knowledge.when_helped("portal", drafts.end)
        navigation.register(navigation.Item(_("Start"), "portal:home", "home", None, order=5))
        navigation.register(
            navigation.Item(
                _("Report a problem"),
                "portal:report",
                "lifebuoy",
                Action.REPORT_PROBLEM,
                order=10,
                unless=Action.WORK_TICKETS,
            )
        )
        bulk.register(bulk.BulkAct(_("Print labels"), "portal:labels", "qr-code", Action.PRINT_LABELS))
        slots.register(
            "device",
            "label",
            slots.Panel(labels.panel, "portal/pieces/label_panel.html", 80, _("Label"), Action.PRINT_LABELS),
        )
        notices.register("reported", _reported)
        notices.register("scanned", _scanned)
        notices.register("scanned-again", _scanned_again)
        notices.register("me-too", _me_too)


def _me_too(details: dict[str, Any]) -> Any:  # noqa: ARG001  (said by the article's author)
    from helpdesk.tickets.notices import Notice

    return Notice(str(_("This hits me too.")), "watch")


def _reported(details: dict[str, Any]) -> Any:
    from helpdesk.portal.words import TROUBLES
    from helpdesk.tickets.notices import Notice

    said = str(TROUBLES.get(details["trouble"], details["trouble"]))
    facts = [(str(_("Lesson")), str(_("It blocks a lesson right now")))] if details["blocks_lesson"] else []
    return Notice(said, "watch" if details["blocks_lesson"] else "info", facts)


def _scanned(details: dict[str, Any]) -> Any:
    from helpdesk.portal.words import FAULTS
    from helpdesk.tickets.notices import Notice

    said = {"fault": str(FAULTS.get(details["fault"], details["fault"]))}
    return Notice(str(_("Reported by scanning the label, without a name: %(fault)s.")) % said, "watch")


def _scanned_again(details: dict[str, Any]) -> Any:
    from helpdesk.portal.words import FAULTS
    from helpdesk.tickets.notices import Notice

    said = {"fault": str(FAULTS.get(details["fault"], details["fault"]))}
    return Notice(str(_("Scanned and reported once more, without a name: %(fault)s.")) % said, "watch")
