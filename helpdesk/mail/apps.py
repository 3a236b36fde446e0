from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MailConfig(AppConfig):
    name = "helpdesk.mail"
    verbose_name = _("Mail")

    def ready(self) -> None:
        from fleet.events import consumers as outbox
        from helpdesk.mail import consumers

        outbox.register(consumers.NAME, consumers.EVENTS, consumers.consume)
