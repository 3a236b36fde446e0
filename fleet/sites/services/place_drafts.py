"""Tables of places that somebody has uploaded and looks at. They go when they are taken in, or after a day."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from fleet.people.models import User
from fleet.sites.models import Authority, PlaceTable
from fleet.sites.rules.tally import Tally
from fleet.sites.services.place_outcomes import Outcome, outcomes
from fleet.sites.services.place_plan import planned
from fleet.sites.services.place_table import take_in_places

KEPT = timedelta(days=1)


def look(*, table: PlaceTable) -> list[Outcome]:
    """What would come of it now. Raises MistakesError."""
    return outcomes(planned(table.authority, bytes(table.data)))


@transaction.atomic
def keep(*, authority: Authority, file_name: str, data: bytes, by: User) -> PlaceTable:
    """Raises MistakesError; then it is not kept."""
    PlaceTable.objects.filter(made_at__lt=timezone.now() - KEPT).delete()
    planned(authority, data)
    return PlaceTable.objects.create(authority=authority, made_by=by, file_name=file_name[:200], data=data)


@transaction.atomic
def take_in(*, table: PlaceTable, seen: str, by: User) -> Tally:
    """Raises MistakesError and ChangedMeanwhileError; then it is kept, and nothing is written."""
    tally = take_in_places(authority=table.authority, data=bytes(table.data), by=by, seen=seen)
    table.delete()
    return tally
