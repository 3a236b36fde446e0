"""Everything that writes authorities, sites, buildings, rooms and their calendars."""

from fleet.sites.services.bells import Habits, Lesson, set_bell, set_habits, set_week, week
from fleet.sites.services.entering import Closure, Exam, enter_closure, enter_exam, remove_closure, remove_exam
from fleet.sites.services.places import (
    RoomDetails,
    SiteDetails,
    create_authority,
    create_building,
    create_room,
    create_site,
    update_room,
    update_site,
)
from fleet.sites.services.where import Where

__all__ = [
    "Closure",
    "Exam",
    "Habits",
    "Lesson",
    "RoomDetails",
    "SiteDetails",
    "Where",
    "create_authority",
    "create_building",
    "create_room",
    "create_site",
    "enter_closure",
    "enter_exam",
    "remove_closure",
    "remove_exam",
    "set_bell",
    "set_habits",
    "set_week",
    "update_room",
    "update_site",
    "week",
]
