"""What would be missing if some devices were off for a while: reckoned from cables, rooms and the school day."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from fleet.sites.rules import Calendar, LessonSpan, exam_days, lessons_between

FEWEST_TOLD = 5
"""Fewer people than that could be guessed: they are told as «fewer than five»."""
LONGEST_DAYS = 31


@dataclass(frozen=True)
class Fed:
    """`device` hangs on a port of `switch`. `feeds`: the port gives it the power it runs on (POWER-ETHERNET-MIB)."""

    device: int
    switch: int
    feeds: bool


@dataclass(frozen=True)
class Loss:
    """Devices that go with the chosen ones: `dark` lose their power, `cut` their last way up."""

    dark: frozenset[int]
    cut: frozenset[int]

    @property
    def all(self) -> frozenset[int]:
        return self.dark | self.cut


def losses(chosen: Collection[int], cables: Iterable[Fed], parents: Mapping[int, Iterable[int]]) -> Loss:
    """What goes with the chosen devices. With two ways up a device is cut off when both are gone; without power at once."""
    fed_by: dict[int, set[int]] = {}
    for one in cables:
        if one.feeds:
            fed_by.setdefault(one.device, set()).add(one.switch)
    below: dict[int, set[int]] = {}
    for child, above in parents.items():
        for parent in above:
            below.setdefault(parent, set()).add(child)
    off = set(chosen)  # without power: what they feed goes dark too
    gone, dark, cut = set(chosen), set(), set()
    queue = list(chosen)
    while queue:
        for child in sorted(below.get(queue.pop(), ())):
            if child not in off and fed_by.get(child) and fed_by[child] <= off:
                off.add(child)
                dark.add(child)
                cut.discard(child)
                gone.add(child)
                queue.append(child)
            elif child not in gone and gone.issuperset(parents.get(child, ())):
                cut.add(child)
                gone.add(child)
                queue.append(child)
    return Loss(frozenset(dark), frozenset(cut))


@dataclass(frozen=True)
class Struck:
    """A device that is away. `why`: chosen, power or uplink."""

    id: int
    name: str
    kind: str
    why: str
    site_id: int
    room_id: int | None = None
    clients: int | None = None
    """Connected when it was last asked."""


@dataclass(frozen=True)
class RoomHit:
    id: int
    site_id: int
    building: str
    number: str
    name: str
    lessons: int = 0
    """Lessons of which at least a moment is hit; none in a room without lessons, or where nothing is off that they need."""
    devices: tuple[str, ...] = ()


@dataclass(frozen=True)
class SiteHit:
    id: int
    name: str
    lessons: tuple[tuple[int, str, str], ...] = ()
    """(number, begins, ends) as ISO instants."""
    exams: tuple[str, ...] = ()
    """On these days, the days around them included."""
    naps: tuple[tuple[str, str], ...] = ()
    bells_assumed: bool = False


@dataclass(frozen=True)
class PoeHit:
    """What a switch that is off feeds, and whether the others at its site could feed that instead (watts)."""

    switch: str
    fed: tuple[str, ...]
    needs_w: float | None = None
    """None: some ports do not say."""
    spare: tuple[tuple[str, float], ...] = ()
    """[(other switch, what it could still feed)], most first; its limit is what somebody has set for poe_power_w."""
    at_least_w: float = 0.0
    """What the ports that say so feed: they need no less together."""
    unknown: tuple[str, ...] = ()
    """Other switches of which nobody has said how much they can feed, or that do not say how much they do."""

    @property
    def suffices(self) -> bool | None:
        """Whether one of the others could take them all; None where that is not known."""
        most = self.spare[0][1] if self.spare else 0.0
        if self.needs_w is not None and most >= self.needs_w > 0:
            return True
        known = bool(self.spare) and not self.unknown
        return False if known and most < max(self.needs_w or 0.0, self.at_least_w) else None


@dataclass(frozen=True)
class Impact:
    begins_at: str
    ends_at: str
    devices: tuple[Struck, ...] = ()
    rooms: tuple[RoomHit, ...] = ()
    sites: tuple[SiteHit, ...] = ()
    poe: tuple[PoeHit, ...] = ()

    @property
    def lessons(self) -> int:
        """Lessons times rooms."""
        return sum(room.lessons for room in self.rooms)

    @property
    def clients(self) -> int | None:
        known = [one.clients for one in self.devices if one.clients is not None]
        return sum(known) if known else None

    def as_json(self) -> dict[str, Any]:
        poe = [asdict(one) | {"suffices": one.suffices} for one in self.poe]
        return asdict(self) | {"poe": poe, "lessons": self.lessons, "people": people(self.clients)}


def from_json(kept: Mapping[str, Any]) -> Impact:
    """What `as_json` wrote; what is reckoned from it is reckoned again."""
    return Impact(
        kept["begins_at"],
        kept["ends_at"],
        tuple(Struck(**{"clients": None} | one) for one in kept["devices"]),
        tuple(RoomHit(**one | {"devices": tuple(one["devices"])}) for one in kept["rooms"]),
        tuple(SiteHit(**one) for one in kept["sites"]),
    )


def people(clients: int | None) -> dict[str, Any]:
    """About how many connected devices, exact to no single person: {about} or {fewer_than}; both null where unknown."""
    few = clients is not None and 0 < clients < FEWEST_TOLD
    return {"about": None if clients is None or few else clients, "fewer_than": FEWEST_TOLD if few else None}


def without_counts(struck: Struck) -> Struck:
    """As it may be shown: a single access point with two devices speaks of two people."""
    few = struck.clients is not None and 0 < struck.clients < FEWEST_TOLD
    return replace(struck, clients=None) if few else struck


def site_hit(pk: int, name: str, calendar: Calendar, begin: datetime, end: datetime) -> SiteHit:
    """What of the school day at this site lies in [begin, end)."""
    lessons = lessons_between(calendar, begin, end)
    return SiteHit(
        pk,
        name,
        tuple((one.number, one.begins_at.isoformat(), one.ends_at.isoformat()) for one in lessons),
        _exams(calendar, begin, end),
        _naps(calendar, begin, end),
        bells_assumed=bool(lessons) and calendar.bells_are_assumed,
    )


def _exams(calendar: Calendar, begin: datetime, end: datetime) -> tuple[str, ...]:
    """By whole days: on the day of an exam nobody wants to hear that it was over an hour before."""
    first, last = calendar.local(begin).date(), calendar.local(end).date()
    found = []
    for exam in calendar.exams:
        from_day, to_day = exam_days(calendar, exam, exam.buffer_days)
        if from_day <= last and to_day >= first:
            found.append(exam.name)
    return tuple(dict.fromkeys(found))


def _naps(calendar: Calendar, begin: datetime, end: datetime) -> tuple[tuple[str, str], ...]:
    napping = replace(calendar, lessons=calendar.naps)
    found = lessons_between(napping, begin, end) if calendar.naps else []
    return tuple((one.begins_at.isoformat(), one.ends_at.isoformat()) for one in found)


def lesson_minutes(lessons: Sequence[LessonSpan], silent: Sequence[tuple[datetime, datetime]]) -> float:
    """Minutes of lessons in which a room was without its devices; silences that overlap count once."""
    total = 0.0
    for lesson in lessons:
        reached = lesson.begins_at
        for begin, end in sorted(silent):
            start, stop = max(begin, reached), min(end, lesson.ends_at)
            if stop > start:
                total += (stop - start).total_seconds()
                reached = stop
    return total / 60


@dataclass(frozen=True)
class Kindred:
    """A device as sampling looks at it."""

    id: int
    platform: str
    model: str
    site_kind: str


def sample(devices: Iterable[Kindred], most: int) -> list[int]:
    """At most `most` devices that stand for all: first one of each platform, model and kind of site, then in turn."""
    kindreds: dict[tuple[str, str, str], list[int]] = {}
    for one in sorted(devices, key=lambda one: one.id):
        kindreds.setdefault((one.platform, one.model, one.site_kind), []).append(one.id)
    columns = list(kindreds.values())
    deepest = max(map(len, columns), default=0)
    in_turn = [column[row] for row in range(deepest) for column in columns if row < len(column)]
    return in_turn[:most]
