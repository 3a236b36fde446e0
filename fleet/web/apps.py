from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebConfig(AppConfig):
    name = "fleet.web"
    verbose_name = _("Pages")

    def ready(self) -> None:
        from fleet.web import lookups

        lookups.register()
