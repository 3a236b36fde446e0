from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class FindingConfig(AppConfig):
    name = "helpdesk.finding"
    verbose_name = _("Search and reports")

    def ready(self) -> None:
        from fleet.people.rules import Action
        from fleet.web import navigation, slots
        from helpdesk.finding.rules import LISTS

        navigation.register_search("finding:search")
        seen_by = Action.VIEW_INTERNAL_NOTES
        reports = navigation.Item(_("Reports"), "finding:reports", "chart-bar", seen_by, order=90, group="helpdesk")
        navigation.register(reports)
        for name in LISTS:
            slots.register_above(name, "finding:views")
        post_migrate.connect(_keep_indexes, sender=self)


def _keep_indexes(using: str, **_kwargs: Any) -> None:
    from helpdesk.finding import indexes

    indexes.ensure(using)
