from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _


class CatalogueConfig(AppConfig):
    name = "helpdesk.catalogue"
    verbose_name = _("Service catalogue")

    def ready(self) -> None:
        from fleet.events import consumers as outbox
        from fleet.people.rules import Action
        from fleet.web import navigation, slots
        from helpdesk.catalogue import consumers, notices, views, vouchers
        from helpdesk.catalogue.checks import check_offers

        register(check_offers)
        notices.register_all()
        outbox.register(consumers.NAME, consumers.EVENTS, consumers.consume)
        offers = navigation.Item(
            _("Order something"), "catalogue:offers", "shopping-bag", Action.ORDER_SERVICE, order=25, group="helpdesk"
        )
        navigation.register(offers)
        slots.register("ticket", "change", slots.Panel(views.ticket_panel, "catalogue/pieces/panel.html", 10, _("Progress")))
        waiting = _("Orders that wait for your agreement")
        slots.register(
            "approvals", "orders", slots.Panel(views.agreements_panel, "catalogue/pieces/agreements.html", 10, waiting)
        )
        printing = "catalogue/pieces/voucher.html"
        slots.register("change", "voucher", slots.Panel(vouchers.change_panel, printing, 20, _("Wi-Fi keys to print")))
        slots.register(
            "site",
            "vouchers",
            slots.Panel(vouchers.site_panel, printing, 60, _("Wi-Fi keys to print"), Action.ORDER_SERVICE),
        )
