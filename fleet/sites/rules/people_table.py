"""A table of people: one row for each role of a person. Without a school a role holds for the whole authority.

name;email;role;school
Carla Neu;carla@neuhafen.example;coordinator;Grundschule am Hafen
Theo Neu;theo@neuhafen.example;technician;
"""

from django.utils.translation import gettext as _

from fleet.people.rules import Role
from fleet.sites.rules.office_table import Columns, Mistake, Readers, Said, read, refuse

COLUMNS: Columns = {
    "name": frozenset({"person"}),
    "email": frozenset({"e-mail", "mail", "mailadresse", "e-mail-adresse", "email address"}),
    "role": frozenset({"rolle"}),
    "school": frozenset({"schule", "einrichtung", "site"}),
}


def people(data: bytes) -> list[Said]:
    """People in the order of the table; their parts are what they shall hold, by role and school. Raises MistakesError."""
    found: dict[str, Said] = {}
    mistakes: list[Mistake] = []
    for row in read(data, COLUMNS, COLUMNS):
        missing = [Mistake(row.line, column, _("This is missing.")) for column in ("email", "role") if not row.cells[column]]
        if not missing:
            person = found.setdefault(row.cells["email"].lower(), Said(row.line))
            mistakes += person.take(row, ("name", "email"), READERS)
            held = person.part((row.cells["role"].lower(), row.cells["school"]), row.line)
            mistakes += held.take(row, ("role", "school"), READERS)
        mistakes += missing
    refuse(mistakes)
    return list(found.values())


def _role(text: str) -> Role:
    if text.lower() not in set(Role):
        raise ValueError(_("A role is one of %s.") % ", ".join(Role))
    return Role(text.lower())


READERS: Readers = {"email": str.lower, "role": _role}
