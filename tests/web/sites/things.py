"""What addresses name of a school itself, its rooms and its calendar."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from fleet.devices.models import Device
from fleet.people.models import Scope, User
from fleet.sites.models import CalendarImport, ExamPeriod, FreePeriod, PlaceTable, Room, Site
from tests.conftest import City, scope_of


@dataclass(frozen=True)
class SiteThings:
    site: Site
    room: Room
    closure: FreePeriod
    exam: ExamPeriod
    calendar_import: CalendarImport
    place_table: PlaceTable


def make(device: Device) -> SiteThings:
    now, scope = timezone.now(), scope_of(device)
    entry = {"uid": "1", "name": "Ferien", "begins": "2030-08-01", "ends": "2030-09-12"}
    assert device.room is not None
    return SiteThings(
        site=device.site,
        room=device.room,
        closure=FreePeriod.objects.create(
            **scope, kind="closure", name="Putztag", first_day=now.date(), last_day=now.date()
        ),
        exam=ExamPeriod.objects.create(**scope, name="Abitur", starts_at=now, ends_at=now + timedelta(hours=5)),
        place_table=PlaceTable.objects.create(
            authority=device.authority, made_by=_somebody(device), file_name="orte.csv", data=_table(device.site)
        ),
        calendar_import=CalendarImport.objects.create(**scope, content="holidays", file_name="ferien.ics", entries=[entry]),
    )


def _somebody(device: Device) -> User:
    """Whoever administers the authority: the table is theirs to look at."""
    return (
        User.objects.filter(grants__scope=device.authority_id, grants__role="administrator").first() or User.objects.first()
    )


def _table(site: Site) -> bytes:
    rows = (
        "school;slug;building;room;floor",
        f"{site.name};{site.slug};Haupthaus;204;3",
        f"{site.name};{site.slug};Neubau;1;0",
    )
    return "\n".join(rows).encode()


def many_schools(city: City, count: int) -> None:
    scopes = Scope.objects.bulk_create(
        [Scope(kind=Scope.Kind.SITE, name=f"Schule {n}", parent=city.authority.scope) for n in range(count)]
    )
    Site.objects.bulk_create(
        Site(scope=scope, authority=city.authority, kind="school", name=scope.name, slug=f"s-{n}")
        for n, scope in enumerate(scopes)
    )
