from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DevicesConfig(AppConfig):
    name = "fleet.devices"
    verbose_name = _("Devices")

    def ready(self) -> None:
        from fleet.devices import hanging
        from fleet.people.rules import Action
        from fleet.web import navigation

        navigation.register_group(navigation.Group("administration", _("Administration"), "cog-6-tooth", order=90))
        entry = navigation.Item(
            _("Credentials"), "inventory:credentials", "key", Action.MANAGE, order=90, group="administration"
        )
        navigation.register(entry)
        hanging.register()
