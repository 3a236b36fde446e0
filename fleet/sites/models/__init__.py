"""Authority (tenant) > school or kindergarten > building > room, and the calendar of each."""

from fleet.sites.models.calendar import (
    BellPeriod,
    CalendarFeed,
    CalendarImport,
    CalendarQuerySet,
    CalendarScoped,
    ExamPeriod,
    FreePeriod,
    ServicePeriod,
)
from fleet.sites.models.places import Authority, Building, PlaceTable, Room, Site, SiteQuerySet, SiteScoped

__all__ = [
    "Authority",
    "BellPeriod",
    "Building",
    "CalendarFeed",
    "CalendarImport",
    "CalendarQuerySet",
    "CalendarScoped",
    "ExamPeriod",
    "FreePeriod",
    "PlaceTable",
    "Room",
    "ServicePeriod",
    "Site",
    "SiteQuerySet",
    "SiteScoped",
]
