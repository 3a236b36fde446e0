from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TicketsConfig(AppConfig):
    name = "helpdesk.tickets"
    verbose_name = _("Tickets")

    def ready(self) -> None:
        from fleet.events import consumers as outbox
        from fleet.web import navigation, slots
        from helpdesk.tickets import consumers, panels

        outbox.register(consumers.NAME, consumers.EVENTS, consumers.consume)
        navigation.register(navigation.Item(_("Tickets"), "tickets:tickets", "ticket", None, order=20))
        panel = "tickets/pieces/panel.html"
        slots.register("device", "tickets", slots.Panel(panels.of_device, panel, 30, _("Tickets")))
        slots.register("site", "tickets", slots.Panel(panels.of_site, panel, 30, _("Tickets")))
        slots.register("alert", "tickets", slots.Panel(panels.of_alert, panel, 30, _("Ticket")))
