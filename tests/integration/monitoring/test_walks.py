"""What is read of a device as a whole: what it does not answer for, and when its counters were read."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.utils import timezone

from fleet.monitoring import services, wire
from fleet.monitoring.models import Health, Latest
from fleet.monitoring.rules import series
from fleet.monitoring.services import planning
from fleet.snmp.errors import SnmpTimeout
from fleet.snmp.fetch import GufoFetcher
from fleet.snmp.plan import Recorder
from fleet.snmp.types import Oid, Target, Value
from tests.integration.monitoring.conftest import School

pytestmark = pytest.mark.django_db
HC_IN_OCTETS, IF_TABLE = "1.3.6.1.2.1.31.1.1.1.6.", "1.3.6.1.2.1.2.2.1."


def latest_of(school: School) -> Latest:
    return Latest.objects.get(pk=school.health("Switch 1").pk)


def numbers(latest: Latest, path: str) -> list[float | None]:
    cells = planning.current([latest.plan_id])[latest.plan_id].plan.cells
    said = series.unpack(bytes(latest.numbers))
    return [number for cell, number in zip(cells, said, strict=True) if cell.path == path]


class Hanging(Recorder):
    """Datagrams about these columns get lost."""

    about: tuple[str, ...] = ()

    async def walk(self, target: Target, columns: Sequence[Oid]) -> dict[Oid, Value]:
        if f"{columns[0]}.".startswith(self.about):
            self.timeouts += 1
            raise SnmpTimeout("no answer")
        return await super().walk(target, columns)


def test_a_device_that_hangs_on_some_tables_is_up_and_polled_by_what_it_says(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Hanging, "about", ("1.3.6.1.2.1.17.", "1.0.8802."))
    monkeypatch.setattr(wire, "Recorder", Hanging)

    services.poll_due()

    switch = school.health("Switch 1")
    assert (switch.status, switch.reading["kind"]) == ("up", "switch")
    assert switch.reading["problems"].count("no answer") >= 2
    assert numbers(latest_of(school), "interfaces.in_octets")


def test_a_walk_that_lost_what_is_followed_leaves_the_plan_and_the_reading_as_they_were(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.poll_due()
    before, now = latest_of(school), timezone.now()
    Health.objects.update(walk_due_at=now)
    monkeypatch.setattr(Hanging, "about", (IF_TABLE, "1.3.6.1.2.1.31."))
    monkeypatch.setattr(wire, "Recorder", Hanging)

    services.poll_now(device_ids=[before.pk])

    after = latest_of(school)
    assert (after.plan_id, after.walked_at) == (before.plan_id, before.walked_at)
    assert before.at < after.at < school.health("Switch 1").walk_due_at <= now + timedelta(minutes=6)
    assert school.health("Switch 1").reading["interfaces"]


def test_rates_begin_at_counters_that_were_read_together(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    class Early(Recorder):
        """The walk came past the counters long ago: they stood at 1."""

        async def walk(self, target: Target, columns: Sequence[Oid]) -> dict[Oid, Value]:
            found = await super().walk(target, columns)
            early: dict[Oid, Value] = {oid: 1 if oid.startswith(HC_IN_OCTETS) else value for oid, value in found.items()}
            self.said |= early
            return early

    monkeypatch.setattr(wire, "Recorder", Early)

    services.poll_due()

    assert {one["in_octets"] for one in school.health("Switch 1").reading["interfaces"]} == {1}
    assert 1 not in numbers(latest_of(school), "interfaces.in_octets")


def test_counters_that_could_not_be_read_together_make_no_rate(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    class Deaf(GufoFetcher):
        async def get(self, target: Target, oids: Sequence[Oid]) -> dict[Oid, Value]:
            if isinstance(oids, tuple):
                raise SnmpTimeout("a plan's objects")
            return await super().get(target, oids)

    monkeypatch.setattr(wire, "_fetcher", Deaf())

    services.poll_due()

    assert set(numbers(latest_of(school), "interfaces.in_octets")) == {None}
    assert None not in numbers(latest_of(school), "uptime_s")
