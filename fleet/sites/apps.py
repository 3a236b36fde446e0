from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SitesConfig(AppConfig):
    name = "fleet.sites"
    verbose_name = _("Sites")

    def ready(self) -> None:
        from django.urls import reverse

        from fleet.people import above
        from fleet.people.rules import Action
        from fleet.sites import hanging
        from fleet.sites.models import Building, Room
        from fleet.sites.views.shared import authorities
        from fleet.web import navigation

        schools = navigation.Item(
            _("Schools and rooms"), "places:list", "building-office-2", Action.MANAGE, order=91, group="administration"
        )
        navigation.register(schools)

        def page(pk: int) -> str:
            return reverse("places:school", args=[Building.objects.get(pk=pk).site_id])

        rooms = hanging.Thing(_("Rooms"), lambda pk: Room.objects.filter(building=pk).count(), page)
        hanging.register(hanging.BUILDING, "rooms", rooms)

        from_table = above.Link(_("From a table"), "import-people", "table-cells", lambda user: authorities(user).exists())
        above.register_for_list(from_table)
