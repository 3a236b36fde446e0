"""A table of schools, buildings and rooms: one row per room, per building or per school.

school;slug;kind;street;postcode;city;building;room;room_name;floor;teaching
Grundschule am Hafen;;school;Hafenstraße 1;12345;Neuhafen;Haupthaus;204;Chemie;2;yes
Grundschule am Hafen;;;;;;Turnhalle;;;;
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from django.utils.translation import gettext as _

from fleet.sites.rules.office_table import Columns, Mistake, Readers, Row, Said, read, refuse, shown

COLUMNS: Columns = {
    "school": frozenset({"schule", "name der schule", "einrichtung", "site"}),
    "slug": frozenset({"kürzel", "kurzname"}),
    "kind": frozenset({"art"}),
    "street": frozenset({"straße", "strasse"}),
    "postcode": frozenset({"plz", "postleitzahl", "zip"}),
    "city": frozenset({"ort", "stadt"}),
    "building": frozenset({"gebäude", "haus"}),
    "room": frozenset({"raum", "raumnummer", "number"}),
    "room_name": frozenset({"raumname", "room name"}),
    "floor": frozenset({"stockwerk", "etage", "geschoss"}),
    "teaching": frozenset({"unterricht", "unterrichtsraum"}),
}
NEEDED = ("school",)
OF_SCHOOL: Mapping[str, str] = {
    "school": "name", "slug": "slug", "kind": "kind", "street": "street", "postcode": "postcode", "city": "city",
}  # fmt: skip
OF_BUILDING: Mapping[str, str] = {"building": "name"}
OF_ROOM: Mapping[str, str] = {"room": "number", "room_name": "name", "floor": "floor", "teaching": "teaching"}
"""Columns → fields of the model."""
KINDS: Mapping[str, str] = {"school": "school", "schule": "school", "kindergarten": "kindergarten", "kita": "kindergarten"}
YES = frozenset({"yes", "ja", "true", "wahr", "1", "x", "y", "j"})
NO = frozenset({"no", "nein", "false", "falsch", "0", "n"})
LOWEST, HIGHEST = -20, 200


def schools(data: bytes) -> list[Said]:
    """Schools, their parts buildings by name, whose parts are rooms by number. Raises MistakesError."""
    table = read(data, COLUMNS, NEEDED)
    slugs = _slugs(table)
    found: dict[tuple[str, str], Said] = {}
    mistakes: list[Mistake] = []
    for row in table:
        wrong = _misplaced(row, slugs)
        if wrong is None:
            slug = row.cells["slug"] or next(iter(slugs[row.cells["school"]]), "")
            school = found.setdefault((slug, "" if slug else row.cells["school"]), Said(row.line))
            mistakes += _take(school, row)
        else:
            mistakes.append(wrong)
    refuse(mistakes)
    return list(found.values())


def _slugs(table: list[Row]) -> Mapping[str, set[str]]:
    """Those that rows give to schools of a name; a row without one means the only one."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in table:
        if row.cells["slug"]:
            found[row.cells["school"]].add(row.cells["slug"])
    return found


def _misplaced(row: Row, slugs: Mapping[str, set[str]]) -> Mistake | None:
    """Why it cannot be said what the row is about."""
    cells = row.cells
    if not cells["school"]:
        return Mistake(row.line, "school", _("The school's name is missing."))
    if not cells["slug"] and len(slugs.get(cells["school"], ())) > 1:
        says = _("Several schools of this table are called %s: which one?") % shown(cells["school"])
        return Mistake(row.line, "slug", says)
    if cells["room"] and not cells["building"]:
        return Mistake(row.line, "building", _("A room is named, but not its building."))
    idle = next((column for column in OF_ROOM if cells[column] and not cells["room"]), None)
    return Mistake(row.line, idle, _("%s is said of a room without a number.") % shown(cells[idle])) if idle else None


def _take(school: Said, row: Row) -> Iterator[Mistake]:
    yield from school.take(row, OF_SCHOOL, READERS)
    if row.cells["building"]:
        building = school.part(row.cells["building"], row.line)
        yield from building.take(row, OF_BUILDING, READERS)
        if row.cells["room"]:
            yield from building.part(row.cells["room"], row.line).take(row, OF_ROOM, READERS)


def _kind(text: str) -> str:
    if text.lower() not in KINDS:
        raise ValueError(_("A kind is school or kindergarten."))
    return KINDS[text.lower()]


def _floor(text: str) -> int:
    written = text.replace("−", "-")
    if not re.fullmatch(r"[+-]?[0-9]{1,3}", written) or not LOWEST <= int(written) <= HIGHEST:
        raise ValueError(_("A floor is a whole number: 0 is the ground floor, -1 the cellar."))
    return int(written)


def _teaching(text: str) -> bool:
    if text.lower() not in YES | NO:
        raise ValueError(_("Whether lessons are held in a room is yes or no."))
    return text.lower() in YES


READERS: Readers = {"kind": _kind, "floor": _floor, "teaching": _teaching}
