from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PeopleConfig(AppConfig):
    name = "fleet.people"
    verbose_name = _("People")

    def ready(self) -> None:
        from fleet.people import services
        from fleet.secrets import rotation

        rotation.register("mfa.Authenticator.data", services.rotate_second_factors)
