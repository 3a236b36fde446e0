"""What a table of people would change, and what is wrong with it, as people read it. Commands say it in English."""

import re

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from fleet.sites.rules.office_table import Mistake
from fleet.sites.services.people_table import RowTaken

COLUMNS: dict[str, Promise] = {
    "name": gettext_lazy("Name"),
    "email": gettext_lazy("Mail address"),
    "role": gettext_lazy("Role"),
    "school": gettext_lazy("School"),
}
SENTENCES = (
    (r"This is missing\.", gettext_noop("This is missing.")),
    (
        r"(?P<value>\".*\") is none\. A role is one of (?P<roles>.*)\.",
        gettext_noop("%(value)s is no role. A role is one of %(roles)s."),
    ),
    (
        r"(?P<value>\".*\") contradicts line (?P<line>\d+): (?P<before>\".*\")\.",
        gettext_noop("%(value)s contradicts line %(line)s: %(before)s."),
    ),
    (r"The account (?P<value>\".*\") is switched off\.", gettext_noop("%(value)s has left. Take them back first.")),
    (
        r"The account (?P<value>\".*\") belongs to another authority\.",
        gettext_noop("The account %(value)s belongs to another authority."),
    ),
    (r"(?P<place>.*) has no school (?P<value>\".*\")\.", gettext_noop("%(place)s has no school %(value)s.")),
    (
        r"Several schools are called (?P<value>\".*\")\. Write one of (?P<slugs>.*)\.",
        gettext_noop("Several schools are called %(value)s. Write one of %(slugs)s."),
    ),
    (r"Nobody gives roles to themselves\.", gettext_noop("Nobody gives roles to themselves.")),
    (
        r"The column (?P<value>\".*\") is not known\. Known are: (?P<known>.*)\.",
        gettext_noop("The column %(value)s is not known. Known are: %(known)s."),
    ),
    (r"This column is there twice\.", gettext_noop("This column is there twice.")),
    (r"This column is missing\.", gettext_noop("This column is missing.")),
    (r"This row cannot be read \((?P<why>.*)\)\.", gettext_noop("This row cannot be read (%(why)s).")),
    (r"There is a NUL in it: .*", gettext_noop("The file is no text. Save the table as CSV.")),
    (
        r"(?P<value>\".*\") stands in column (?P<column>\d+), which has no heading\..*",
        gettext_noop("%(value)s stands in column %(column)s, which has no heading. Does a text need quotation marks?"),
    ),
    (
        r"(?P<value>\".*\") holds letters that cannot be read\..*",
        gettext_noop("%(value)s holds letters that cannot be read. Save the table as UTF-8."),
    ),
)
_SENTENCES = [(re.compile(pattern, re.DOTALL), sentence) for pattern, sentence in SENTENCES]


def problem(mistake: Mistake) -> str:
    """Where it is and what is wrong; what nobody here knows (Django's own words) stays as it is."""
    line = _("Line %d") % mistake.line if mistake.line else ""
    where = ", ".join(part for part in (line, str(COLUMNS.get(mistake.column, mistake.column))) if part)
    says = _says(mistake.says)
    return f"{where}: {says}" if where else says


def _says(text: str) -> str:
    for pattern, sentence in _SENTENCES:
        if found := pattern.fullmatch(text):
            return _(sentence) % found.groupdict()
    return text


def outcome(row: RowTaken) -> tuple[str, str]:
    """(state of the pill, word)"""
    if row.new_account:
        return "ok", _("New account")
    return ("ok", _("New role")) if row.new_role else ("unknown", _("Is there already"))
