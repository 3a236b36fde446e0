"""A table of schools, buildings and rooms is taken in: what is missing is made, what differs is changed, nothing is deleted.

First all of it is judged against what is there (`place_plan`), then it is written.
"""

from django.db import transaction
from django.utils.translation import gettext as _

from fleet.events.services import Fact, emit
from fleet.people.models import User
from fleet.sites.models import Authority, Building, Site
from fleet.sites.rules.office_table import Mistake, MistakesError
from fleet.sites.rules.tally import Tally
from fleet.sites.services.place_outcomes import digest, outcomes
from fleet.sites.services.place_plan import PlannedRoom, PlannedSchool, planned
from fleet.sites.services.places import (
    ChangedMeanwhileError,
    RoomDetails,
    SiteDetails,
    create_building,
    create_room,
    create_site,
    update_room,
    update_site,
)


@transaction.atomic
def take_in_places(*, authority: Authority, data: bytes, by: User | None = None, seen: str | None = None) -> Tally:
    """What the table has changed. Raises MistakesError; then nothing is written.

    `seen`: digest of the outcomes at which somebody has looked. Raises ChangedMeanwhileError if others would come of it now.
    """
    # Two tables at once would make everything twice.
    held = Authority.objects.select_for_update(no_key=True).get(pk=authority.pk)
    schools = planned(held, data)
    if seen is not None and digest(outcomes(schools)) != seen:
        raise ChangedMeanwhileError
    try:
        tally = _write(held, schools)
    except ChangedMeanwhileError as error:
        raise MistakesError([Mistake(0, "", _("Somebody is changing these schools just now. Try again."))]) from error
    if by is not None and not tally.nothing:
        payload = {"added": dict(tally.added), "changed": dict(tally.changed)}
        emit(Fact("places.imported", held, held.pk, None, by.pk, payload))
    return tally


def _write(authority: Authority, schools: list[PlannedSchool]) -> Tally:
    tally = Tally(("Schools", "Buildings", "Rooms"))
    for school in schools:
        site = _written_site(authority, school, tally)
        for building in school.buildings:
            house = building.row or create_building(site=site, name=building.name)
            tally.note("Buildings", new=building.row is None)
            for room in building.rooms:
                _write_room(house, room, tally)
    return tally


def _written_site(authority: Authority, school: PlannedSchool, tally: Tally) -> Site:
    if school.row is None:
        tally.note("Schools", new=True)
        tally.remarks.append(_("New: %(name)s (%(slug)s).") % {"name": school.details.name, "slug": school.details.slug})
        return create_site(authority=authority, details=school.details)
    differs = school.details != SiteDetails.of(school.row)
    if school.details.name != school.row.name:
        called = {"before": school.row.name, "name": school.details.name}
        tally.remarks.append(_("%(before)s is called %(name)s from now on.") % called)
    if differs:
        update_site(site=school.row, details=school.details)
    tally.note("Schools", differs=differs)
    return school.row


def _write_room(building: Building, room: PlannedRoom, tally: Tally) -> None:
    differs = room.row is not None and room.details != RoomDetails.of(room.row)
    if room.row is None:
        create_room(building=building, details=room.details)
    elif differs:
        update_room(room=room.row, details=room.details)
    tally.note("Rooms", new=room.row is None, differs=differs)
