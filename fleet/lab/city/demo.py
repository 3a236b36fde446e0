"""Musterstadt: three schools, two kindergartens, and the people who keep their IT running. All invented."""

from datetime import time

from fleet.lab.city.build import SitePlan, wire
from fleet.lab.city.model import Bell, Building, City, Period, Person, Role, Room

PRIMARY_BELL = Bell(
    (
        Period("1", time(8, 0), time(8, 45)),
        Period("2", time(8, 50), time(9, 35)),
        Period("3", time(10, 0), time(10, 45)),
        Period("4", time(10, 50), time(11, 35)),
        Period("5", time(11, 50), time(12, 35)),
    ),
    last_leave=time(16, 0),
)
KINDERGARTEN_BELL = Bell(
    (Period("Vormittag", time(7, 30), time(12, 0)), Period("Nachmittag", time(14, 0), time(16, 0))),
    last_leave=time(16, 30),
)


def demo_city() -> City:
    sites = (_lindenhain(), _nordwall(), _silberbach(), _kieselstein(), _purzelbaum())
    return City("musterstadt", "Musterstadt", tuple(wire(site) for site in sites), PEOPLE)


def _classrooms(site: str, *numbers: str) -> tuple[Room, ...]:
    """Room 204 is on floor 2, as everywhere."""
    return tuple(Room(f"{site}-{number}", number, f"Raum {number}", int(number[0])) for number in numbers)


def _lindenhain() -> SitePlan:
    key = "lindenhain"
    main = (
        *_classrooms(key, "101", "102", "103", "104", "201", "202", "203", "204", "205"),
        Room(f"{key}-sek", "SEK", "Sekretariat", 0, "office"),
        Room(f"{key}-t01", "T01", "Technikraum", 0, "technical"),
        Room(f"{key}-t21", "T21", "Verteiler 2. Stock", 2, "technical"),
    )
    annex = (
        *_classrooms(key, "301", "302"),
        Room(f"{key}-aula", "AULA", "Aula", 0, "hall"),
        Room(f"{key}-t31", "T31", "Verteiler Anbau", 0, "technical"),
    )
    return SitePlan(
        key,
        1,
        "Gesamtschule Lindenhain",
        "school",
        (
            Building(f"{key}-haupthaus", "Haupthaus", "Lindenhainer Weg 12", main),
            Building(f"{key}-anbau", "Anbau", "Lindenhainer Weg 14", annex),
        ),
        ap_rooms=(("101", "102", "103", "104", "SEK"), ("201", "202", "203", "204", "205"), ("301", "302", "AULA")),
        switch_rooms=("T01", "T21", "T31"),
        printer_rooms=("SEK", "202"),
        ups_room="T01",
    )


def _nordwall() -> SitePlan:
    key = "nordwall"
    rooms = (
        *_classrooms(key, "110", "111", "112", "113", "210", "211", "212", "213"),
        Room(f"{key}-lz", "LZ", "Lehrerzimmer", 0, "office"),
        Room(f"{key}-t01", "T01", "Technikraum", 0, "technical"),
        Room(f"{key}-t20", "T20", "Verteiler 2. Stock", 2, "technical"),
    )
    return SitePlan(
        key,
        2,
        "Gymnasium am Nordwall",
        "school",
        (Building(f"{key}-haupthaus", "Haupthaus", "Am Nordwall 3", rooms),),
        ap_rooms=(("110", "111", "112", "113", "LZ"), ("210", "211", "212", "213")),
        switch_rooms=("T01", "T20"),
        printer_rooms=("LZ", "210"),
        ups_room="T01",
    )


def _silberbach() -> SitePlan:
    """The site that already speaks SNMPv3."""
    key = "silberbach"
    rooms = (
        *_classrooms(key, "11", "12", "13", "21", "22", "23"),
        Room(f"{key}-buero", "BUERO", "Büro", 0, "office"),
        Room(f"{key}-t01", "T01", "Technikraum", 0, "technical"),
        Room(f"{key}-t20", "T20", "Verteiler oben", 2, "technical"),
    )
    return SitePlan(
        key,
        3,
        "Grundschule Silberbach",
        "school",
        (Building(f"{key}-haus", "Schulhaus", "Silberbachstraße 40", rooms),),
        ap_rooms=(("11", "12", "13", "BUERO"), ("21", "22", "23")),
        switch_rooms=("T01", "T20"),
        printer_rooms=("BUERO",),
        ups_room="T01",
        snmp_v3=True,
        bell=PRIMARY_BELL,
    )


def _kindergarten(key: str, number: int, name: str, street: str) -> SitePlan:
    groups = tuple(Room(f"{key}-{n}", n, f"Gruppe {n}", 0, "group") for n in ("1", "2"))
    rooms = (
        *groups,
        Room(f"{key}-buero", "BUERO", "Büro", 0, "office"),
        Room(f"{key}-t01", "T01", "Keller", -1, "technical"),
    )
    return SitePlan(
        key,
        number,
        name,
        "kindergarten",
        (Building(f"{key}-haus", "Haus", street, rooms),),
        ap_rooms=(("1", "2", "BUERO"),),
        switch_rooms=("T01",),
        printer_rooms=("BUERO",),
        bell=KINDERGARTEN_BELL,
    )


def _kieselstein() -> SitePlan:
    return _kindergarten("kieselstein", 4, "Kindergarten Kieselstein", "Kieselweg 7")


def _purzelbaum() -> SitePlan:
    return _kindergarten("purzelbaum", 5, "Kindergarten Purzelbaum", "Purzelgasse 2")


def _person(first: str, last: str, role: Role, *sites: str) -> Person:
    slug = f"{first}.{last}".lower()
    for umlaut, ascii_text in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        slug = slug.replace(umlaut, ascii_text)
    return Person(slug, first, last, f"{slug}@musterstadt.example", role, sites)


PEOPLE = (
    _person("Carla", "Lindgrün", "coordinator", "lindenhain"),
    _person("Norbert", "Walder", "coordinator", "nordwall"),
    _person("Silke", "Bachmann", "coordinator", "silberbach"),
    _person("Kira", "Stein", "coordinator", "kieselstein"),
    _person("Paul", "Baumann", "coordinator", "purzelbaum"),
    _person("Tarek", "Kabel", "technician", "lindenhain", "kieselstein"),
    _person("Tessa", "Lötner", "technician", "nordwall", "silberbach", "purzelbaum"),
    _person("Anton", "Leitner", "administrator"),
    _person("Ayse", "Netzer", "administrator"),
    _person("Frieda", "Geber", "approver"),
    _person("Rolf", "Prüfer", "auditor"),
    _person("Sina", "Sicher", "security"),
)
