from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class KnowledgeConfig(AppConfig):
    name = "helpdesk.knowledge"
    verbose_name = _("Knowledge")

    def ready(self) -> None:
        from fleet.people.rules import Action
        from fleet.web import navigation, slots
        from helpdesk.knowledge import panels

        articles = navigation.Item(_("Knowledge"), "knowledge:articles", "book-open", None, order=35, group="helpdesk")
        navigation.register(articles)
        panel = slots.Panel(panels.of_ticket, "knowledge/pieces/panel.html", 80, _("Knowledge"), Action.WORK_TICKETS)
        slots.register("ticket", "knowledge", panel)
