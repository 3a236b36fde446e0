"""Everything that writes authorities, sites, buildings, rooms and their calendars."""

from fleet.sites.services.bells import Habits, Lesson, set_bell, set_habits, set_week, week
from fleet.sites.services.closing import close_site, reopen_site
from fleet.sites.services.entering import Closure, Exam, enter_closure, enter_exam, remove_closure, remove_exam
from fleet.sites.services.holding import ClosedSiteError, hold_alone, hold_open, hold_room
from fleet.sites.services.places import (
    ChangedMeanwhileError,
    InUseError,
    RoomDetails,
    SiteDetails,
    create_authority,
    create_building,
    create_room,
    create_rooms,
    create_site,
    remove_building,
    remove_room,
    rename_building,
    update_room,
    update_site,
)
from fleet.sites.services.where import Where

__all__ = [
    "ChangedMeanwhileError",
    "ClosedSiteError",
    "Closure",
    "Exam",
    "Habits",
    "InUseError",
    "Lesson",
    "RoomDetails",
    "SiteDetails",
    "Where",
    "close_site",
    "create_authority",
    "create_building",
    "create_room",
    "create_rooms",
    "create_site",
    "enter_closure",
    "enter_exam",
    "hold_alone",
    "hold_open",
    "hold_room",
    "remove_building",
    "remove_closure",
    "remove_exam",
    "remove_room",
    "rename_building",
    "reopen_site",
    "set_bell",
    "set_habits",
    "set_week",
    "update_room",
    "update_site",
    "week",
]
