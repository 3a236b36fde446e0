"""What hour of the school day it is, for those places only that somebody asks about."""

from collections.abc import Collection
from datetime import datetime

from fleet.sites import rules
from fleet.sites.rules import Calendar, Moment
from fleet.sites.selectors import calendars


class Hours:
    """The calendars of sites at one instant; read when first asked for."""

    def __init__(self, site_ids: Collection[int], now: datetime) -> None:
        self._site_ids = site_ids
        self._known: dict[int, Calendar] | None = None
        self.now = now

    def calendar(self, site_id: int) -> Calendar:
        if self._known is None:
            self._known = calendars(site_ids=self._site_ids)
        return self._known[site_id]

    def next_lesson_at(self, site_id: int) -> datetime | None:
        lesson = rules.next_lesson(self.calendar(site_id), self.now)
        return lesson.begins_at if lesson else None

    def moment(self, site_id: int) -> Moment:
        return rules.moment(self.calendar(site_id), self.now)
