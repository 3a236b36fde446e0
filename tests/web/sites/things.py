"""What addresses name of a school itself, its rooms and its calendar."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from fleet.devices.models import Device
from fleet.sites.models import CalendarImport, ExamPeriod, FreePeriod, Room, Site
from tests.conftest import scope_of


@dataclass(frozen=True)
class SiteThings:
    site: Site
    room: Room
    closure: FreePeriod
    exam: ExamPeriod
    calendar_import: CalendarImport


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
        calendar_import=CalendarImport.objects.create(**scope, content="holidays", file_name="ferien.ics", entries=[entry]),
    )
