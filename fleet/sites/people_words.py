"""What a table of people would change, and what is wrong with it, as people read it."""

from dataclasses import replace

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.sites.rules.office_table import Mistake
from fleet.sites.services.people_table import RowTaken

COLUMNS: dict[str, Promise] = {
    "name": gettext_lazy("Name"),
    "email": gettext_lazy("Mail address"),
    "role": gettext_lazy("Role"),
    "school": gettext_lazy("School"),
}


def problem(mistake: Mistake) -> str:
    """Where it is and what is wrong."""
    return str(replace(mistake, column=str(COLUMNS.get(mistake.column, mistake.column))))


def outcome(row: RowTaken) -> tuple[str, str]:
    """(state of the pill, word)"""
    if row.new_account:
        return "ok", _("New account")
    return ("ok", _("New role")) if row.new_role else ("unknown", _("Is there already"))
