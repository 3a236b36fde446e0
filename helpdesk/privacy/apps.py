from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _


class PrivacyConfig(AppConfig):
    name = "helpdesk.privacy"
    verbose_name = _("Privacy")

    def ready(self) -> None:
        from fleet.people import above
        from fleet.people.rules import Action
        from fleet.web import navigation
        from helpdesk.privacy.checks import check_retention

        register(check_retention)
        overview = navigation.Item(
            _("Privacy"), "privacy:overview", "shield-check", Action.MANAGE, order=96, group="administration"
        )
        navigation.register(overview)
        of_person = above.Link(
            _("Data that are kept, export and erasure"),
            "privacy:person",
            "shield-check",
            lambda reader: reader.access.anywhere(Action.MANAGE),
        )
        above.register_for_person(of_person)
        navigation.register_for_account(navigation.Item(_("My data"), "privacy:mine", "user"))
