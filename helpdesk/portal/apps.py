from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PortalConfig(AppConfig):
    name = "helpdesk.portal"
    verbose_name = _("Portal")

    def ready(self) -> None:
        from fleet.people.rules import Action
        from fleet.web import navigation
        from helpdesk.tickets import notices

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
        notices.register("reported", _reported)


def _reported(details: dict[str, Any]) -> Any:
    from helpdesk.portal.words import TROUBLES
    from helpdesk.tickets.notices import Notice

    said = str(TROUBLES.get(details["trouble"], details["trouble"]))
    facts = [(str(_("Lesson")), str(_("It blocks a lesson right now")))] if details["blocks_lesson"] else []
    return Notice(said, "watch" if details["blocks_lesson"] else "info", facts)
