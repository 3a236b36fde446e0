from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MailConfig(AppConfig):
    name = "helpdesk.mail"
    verbose_name = _("Mail")

    def ready(self) -> None:
        from fleet.events import consumers as outbox
        from fleet.people.rules import Action
        from fleet.web import exposition, navigation
        from helpdesk.mail import approvals, consumers, hanging, listeners, notices
        from helpdesk.mail import exposition as measures

        exposition.register("mail", measures.ourselves)
        notices.register_all()
        hanging.register()
        mails = navigation.Item(_("Mail"), "mail:mails", "inbox", Action.MANAGE, order=94, group="administration")
        navigation.register(mails)
        outbox.register(consumers.NAME, consumers.EVENTS, consumers.consume)
        outbox.register(listeners.NAME, listeners.EVENTS, listeners.consume)
        outbox.register(approvals.NAME, approvals.EVENTS, approvals.consume)
