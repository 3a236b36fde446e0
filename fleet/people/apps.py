from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PeopleConfig(AppConfig):
    name = "fleet.people"
    verbose_name = _("People")

    def ready(self) -> None:
        from fleet.events import webhooks as told
        from fleet.people import above, services
        from fleet.people.rules import Action
        from fleet.people.webhooks import owned_by, owner_manages
        from fleet.secrets import rotation
        from fleet.web import navigation

        told.owners(owner_manages)
        rotation.register("mfa.Authenticator.data", services.rotate_second_factors)
        webhooks = navigation.Item(
            _("Webhooks"), "people:webhooks", "signal", Action.MANAGE, order=95, group="administration"
        )
        navigation.register(webhooks)
        navigation.register(
            navigation.Item(_("People"), "directory:list", "users", Action.VIEW_AUDIT, order=89, group="administration")
        )
        above.register_belongings("webhooks", owned_by)
