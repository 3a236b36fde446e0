"""A school, and a script of who answers when: the clock is the script's, the judge is the product's."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from fleet.devices import services as devices
from fleet.devices.models import Credential, Device, DeviceType, Prefix
from fleet.events.models import Event
from fleet.events.services import deliver
from fleet.monitoring import services
from fleet.monitoring.models import Alert, Health
from fleet.monitoring.rules import polling
from fleet.monitoring.rules.polling import Availability, Status
from fleet.monitoring.services import doubts, upkeep
from fleet.sites import services as sites
from fleet.sites.models import Building, Site
from helpdesk.tickets.models import Ticket
from tests.conftest import City

DURING_A_LESSON = datetime(2026, 11, 25, 7, 10, tzinfo=UTC)
"""A Wednesday, 8:10 in Berlin; lessons are from 8:00 to 8:45 and from 8:50 to 9:35."""
AT_NIGHT = datetime(2026, 11, 25, 19, 0, tzinfo=UTC)
NEXT_LESSON = datetime(2026, 11, 26, 7, 0, tzinfo=UTC)
ROUND = timedelta(seconds=30)
KINDS = DeviceType.Kind


@dataclass
class Script:
    site: Site
    building: Building
    snmp: Credential
    now: datetime = DURING_A_LESSON
    dead: set[str] = field(default_factory=set)
    made: dict[str, Device] = field(default_factory=dict)
    """Those that are polled."""
    mute: dict[str, Device] = field(default_factory=dict)
    """Those that speak no SNMP."""
    uptime_s: int = 60

    def device(
        self, name: str, kind: str, *, on: Iterable[str] = (), building: Building | None = None, mute: bool = False
    ) -> Device:
        number = len(self.made) + len(self.mute) + 1
        subnet = f"127.30.{self.site.pk % 200}"
        if number == 1:
            devices.create_prefix(site=self.site, cidr=f"{subnet}.0/24", purpose=Prefix.Purpose.MANAGEMENT)
        make = devices.ensure_type(manufacturer="Muster", model=f"M-{kind}", kind=KINDS(kind))
        where = building or self.building
        room = sites.create_room(building=where, details=sites.RoomDetails(f"{number:03}", teaching=kind == "access-point"))
        details = devices.DeviceDetails(
            make, name, room=room, serial=f"{self.site.slug}-{number}", snmp_credential=None if mute else self.snmp,
            address=f"{subnet}.{number}",
        )  # fmt: skip
        row = devices.create_device(site=self.site, details=details)
        if not mute:
            services.watch(device=row)
        for above in on:
            parent = self.mute.get(above) or self.made[above]
            port = devices.add_interface(device=parent, details=devices.InterfaceDetails(f"to {name}", number))
            devices.connect(device=row, port=port)
        (self.mute if mute else self.made)[name] = row
        return row

    def poll(self, names: Iterable[str] | None = None) -> None:
        """Each is asked once now, one after the other, and judged as the poller has it judged."""
        for name in names or list(self.made):
            self.say(name, answers=name not in self.dead)

    def say(self, name: str, *, answers: bool) -> None:
        row = Health.objects.get(device=self.made[name])
        before = Availability(Status(row.status), row.status_since, row.failures, row.failing_since, row.reason)
        after = polling.answered(before, self.now) if answers else polling.failed(before, "timeout", self.now)
        row.status, row.status_since, row.failures = Health.Status(after.status), after.since, after.failures
        row.failing_since, row.reason, row.polled_at = after.failing_since, after.reason, self.now
        if answers:
            row.answered_at, row.reading = self.now, {"reachable": True, "uptime_s": self.uptime_s}
        row.save()
        if polling.doubtful(before, after):
            doubts.add(site_ids=[self.site.pk], at=self.now)
            services.judge_due(now=self.now)

    def rounds(self, count: int, names: Iterable[str] | None = None) -> None:
        chosen = list(names) if names is not None else None
        for _ in range(count):
            self.now += ROUND
            self.poll(chosen)
        self.tend()

    def until(self, reached: Callable[[], bool], most: int = 40) -> None:
        for _ in range(most):
            if reached():
                return
            self.rounds(1)
        raise AssertionError(self.alerts())

    def tend(self) -> None:
        upkeep.judge_what_was_left(now=self.now)
        deliver()

    def alerts(self) -> dict[str, str | None]:
        """Open ones: {device or kind of a summary: the device or kind whose alert tells of it}."""
        rows = Alert.objects.open().filter(site=self.site).select_related("device", "suppressed_by__device")
        return {_named(row): _named(row.suppressed_by) if row.suppressed_by else None for row in rows}

    def roots(self) -> list[str]:
        return [name for name, cause in self.alerts().items() if cause is None]

    def told(self, name: str) -> int:
        return Event.objects.filter(name=name, site_id=self.site.pk).count()

    def tickets(self) -> list[Ticket]:
        return list(Ticket.objects.filter(site=self.site).order_by("pk"))


def _named(alert: Alert) -> str:
    return alert.device.name if alert.kind == "unreachable" else alert.kind


def new_school(city: City, name: str) -> Script:
    """A school with two lessons and one building, nothing in it yet."""
    details = sites.SiteDetails(Site.Kind.SCHOOL, f"Schule {name}", f"schule-{name.lower()}")
    site = sites.create_site(authority=city.authority, details=details)
    sites.set_bell(site=site, lessons=[sites.Lesson(1, time(8), time(8, 45)), sites.Lesson(2, time(8, 50), time(9, 35))])
    return Script(site, sites.create_building(site=site, name="Haus 1"), city.snmp)


def big_school(script: Script, *, mute_switches: bool = False) -> Script:
    """A gateway and 40 devices behind it: two switches, 36 access points, two printers."""
    script.device("gateway", "router")
    for letter in "ab":
        script.device(f"switch-{letter}", "switch", on=["gateway"], mute=mute_switches)
        for number in range(18):
            script.device(f"ap-{letter}{number:02}", "access-point", on=[f"switch-{letter}"])
        script.device(f"printer-{letter}", "printer", on=[f"switch-{letter}"])
    return script
