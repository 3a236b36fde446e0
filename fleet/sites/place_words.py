"""What a table of places says and what comes of it, in the reader's language."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from fleet.sites.models import Site
from fleet.sites.rules.office_table import Columns, Mistake
from fleet.sites.rules.state_holidays import NAMES
from fleet.sites.rules.tally import Tally
from fleet.sites.services.place_outcomes import Becomes, Difference, Outcome

KINDS = {"school": gettext_lazy("School"), "building": gettext_lazy("Building"), "room": gettext_lazy("Room")}
PLURALS = {"school": gettext_lazy("Schools"), "building": gettext_lazy("Buildings"), "room": gettext_lazy("Rooms")}
BECOMES = {
    Becomes.NEW: ("ok", pgettext_lazy("line of a table", "New")),
    Becomes.CHANGED: ("watch", pgettext_lazy("line of a table", "Changes")),
    Becomes.SAME: ("unknown", pgettext_lazy("line of a table", "Stays")),
}
ABOUT = {
    "school": gettext_lazy("the school's name; the only one that every row needs"),
    "slug": gettext_lazy("the school's short name; needed where several are called the same, and to rename one"),
    "kind": gettext_lazy("school or kindergarten; needed for a new one"),
    "street": gettext_lazy("street and number"),
    "postcode": gettext_lazy("postcode"),
    "city": gettext_lazy("city"),
    "building": gettext_lazy("the building's name"),
    "room": gettext_lazy("the room's number, as it stands at the door"),
    "room_name": gettext_lazy("what the room is called"),
    "floor": gettext_lazy("0 is the ground floor, -1 the cellar"),
    "teaching": gettext_lazy("yes or no: whether lessons are held there"),
}
FIELDS = {
    "kind": gettext_lazy("Kind"),
    "name": gettext_lazy("Name"),
    "slug": gettext_lazy("Short name"),
    "street": gettext_lazy("Street and number"),
    "postcode": gettext_lazy("Postcode"),
    "city": gettext_lazy("City"),
    "federal_state": gettext_lazy("Federal state"),
    "timezone": gettext_lazy("Time zone"),
    "number": gettext_lazy("Number"),
    "floor": gettext_lazy("Floor"),
    "teaching": gettext_lazy("Lessons are held here"),
}


def columns(known: Columns) -> list[dict[str, str]]:
    """Each column of the table: its names, and what stands in it."""
    return [{"name": name, "others": ", ".join(sorted(words)), "about": str(ABOUT[name])} for name, words in known.items()]


def mistakes(found: Iterable[Mistake]) -> list[dict[str, Any]]:
    return [{"line": one.line or "", "column": one.column, "says": one.says} for one in found]


def outcome(one: Outcome) -> dict[str, Any]:
    state, word = BECOMES[one.becomes]
    return {
        "line": one.line,
        "kind": str(KINDS[one.kind]),
        "name": one.path[-1],
        "within": ", ".join(one.path[:-1]),
        "state": state,
        "word": str(word),
        "differences": [_difference(difference) for difference in one.differences],
    }


def _difference(one: Difference) -> dict[str, str]:
    return {"field": str(FIELDS[one.field]), "before": _said(one.field, one.before), "after": _said(one.field, one.after)}


def _said(field: str, value: object) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if field == "kind":
        return str(Site.Kind(str(value)).label)
    return str(NAMES.get(str(value), value) if field == "federal_state" else value) or "–"


def counts(counted: Mapping[tuple[str, Becomes], int]) -> list[dict[str, Any]]:
    """A row of numbers for schools, buildings and rooms."""
    return [
        {"kind": str(plural), "numbers": [(str(BECOMES[one][1]), counted.get((kind, one), 0)) for one in Becomes]}
        for kind, plural in PLURALS.items()
    ]


def tally(found: Tally) -> str:
    """`12 are new, 3 have changed.`"""
    added, changed = sum(found.added.values()), sum(found.changed.values())
    new = ngettext("%d entry is new.", "%d entries are new.", added) % added
    return new + " " + ngettext("%d has changed.", "%d have changed.", changed) % changed
