from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TicketsConfig(AppConfig):
    name = "helpdesk.tickets"
    verbose_name = _("Tickets")

    def ready(self) -> None:
        from fleet.events import consumers as outbox
        from fleet.events import webhooks as told
        from fleet.people import above
        from fleet.people.rules import Action
        from fleet.web import happenings, navigation, slots
        from helpdesk.tickets import belongings, consumers, following, hanging, panels, sayings, webhooks
        from helpdesk.tickets import happenings as happened

        outbox.register(consumers.NAME, consumers.EVENTS, consumers.consume)
        outbox.register(consumers.TAKEN, consumers.TICKET_EVENTS, consumers.take_note)
        outbox.register(following.CALENDARS, following.CALENDAR_EVENTS, following.reckon)
        outbox.register(following.CHILDREN, following.ARTICLE_EVENTS, following.tell_children)
        outbox.register(following.OUTAGES, following.OUTAGE_EVENTS, following.outage, following.of_outages)
        told.guard("tickets.ticket", webhooks.may_be_told)
        sayings.register()
        hanging.register()
        navigation.register_group(navigation.Group("helpdesk", _("Helpdesk"), "ticket", 20, Action.WORK_TICKETS))
        navigation.register(navigation.Item(_("Tickets"), "tickets:tickets", "ticket", None, order=20, group="helpdesk"))
        today = navigation.Item(_("Today on site"), "tickets:on-site", "map-pin", Action.WORK_TICKETS, 21, group="helpdesk")
        navigation.register(today)
        happenings.register("device", "tickets", happened.of_device)
        above.register_belongings("tickets", belongings.owned_by)
        panel = "tickets/pieces/panel.html"
        slots.register("device", "tickets", slots.Panel(panels.of_device, panel, 30, _("Tickets")))
        slots.register("site", "tickets", slots.Panel(panels.of_site, panel, 30, _("Tickets")))
        slots.register("alert", "tickets", slots.Panel(panels.of_alert, panel, 30, _("Ticket")))
