from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SitesConfig(AppConfig):
    name = "fleet.sites"
    verbose_name = _("Sites")

    def ready(self) -> None:
        from fleet.people import above
        from fleet.sites.people_views import authorities

        from_table = above.Link(_("From a table"), "import-people", "table-cells", lambda user: authorities(user).exists())
        above.register_for_list(from_table)
