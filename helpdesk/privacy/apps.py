from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _


class PrivacyConfig(AppConfig):
    name = "helpdesk.privacy"
    verbose_name = _("Privacy")

    def ready(self) -> None:
        from fleet.people.rules import Action
        from fleet.web import navigation
        from helpdesk.privacy.checks import check_retention

        register(check_retention)
        overview = navigation.Item(
            _("Privacy"), "privacy:overview", "shield-check", Action.MANAGE, order=96, group="administration"
        )
        navigation.register(overview)
        navigation.register_for_account(navigation.Item(_("My data"), "privacy:mine", "user"))
