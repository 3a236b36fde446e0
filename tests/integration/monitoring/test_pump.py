"""The network side of polling: who waits for whom."""

from collections.abc import Iterator
from contextlib import contextmanager

from fleet.monitoring import wire
from fleet.monitoring.rules.measurement import Measurement
from fleet.monitoring.services import claims
from fleet.monitoring.services.claims import Keys
from fleet.monitoring.wire import Job, Lane, Outcome, Pump, PutOff
from fleet.snmp.types import Target, V2cCredential
from tests.integration.monitoring.conftest import School


@contextmanager
def pumping(window: int = 4) -> Iterator[Pump]:
    with Pump(window) as pump:
        yield pump


def drained(pump: Pump) -> list[Outcome]:
    found: list[Outcome] = []
    while pump.busy:
        found += pump.gather()
    return found


def nobody(number: int, site_id: int, *, hopeless: bool = False) -> Job:
    return Job(number, site_id, Target("127.9.9.9", 9, V2cCredential("none"), 0.05, 0), hopeless=hopeless)


def test_at_a_silent_site_those_that_were_silent_for_long_are_not_asked() -> None:
    with pumping() as pump:
        pump.add(Lane.SLOW, [nobody(n, 1, hopeless=n >= wire.SUSPECT) for n in range(30)])
        found = drained(pump)
    asked = [one.device_id for one in found if isinstance(one, Measurement)]
    assert set(range(wire.SUSPECT)) <= set(asked)
    begun_by_then = wire.SUSPECT + wire.MIN_WINDOW - 1
    assert len([one for one in found if isinstance(one, PutOff)]) >= 30 - begun_by_then
    assert len(found) == 30


def test_a_site_that_goes_silent_gets_out_of_the_way_of_the_others() -> None:
    with pumping() as pump:
        pump.add(Lane.LIVE, [nobody(n, 1) for n in range(40)])
        pump.add(Lane.LIVE, [nobody(n, 2) for n in range(40, 44)])
        found = [one.device_id for one in drained(pump) if isinstance(one, Measurement)]
    assert sorted(found) == list(range(44))
    assert max(found.index(n) for n in range(40, 44)) < 43


def test_one_device_that_cannot_be_dealt_with_stops_no_other() -> None:
    impossible = Job(1, 1, nobody(1, 1).target, plan="no plan", walk=False)
    with pumping() as pump:
        pump.add(Lane.LIVE, [impossible, nobody(2, 2)])
        found = drained(pump)
        assert pump._thread.is_alive()
    reasons = {one.device_id: one.reason for one in found if isinstance(one, Measurement)}
    assert reasons == {1: "protocol", 2: "timeout"}


def test_a_new_device_is_walked_once_it_has_answered_and_dead_ones_hold_up_no_walk(school: School) -> None:
    switch = school.health("Switch 1").pk
    lanes, _ = claims.jobs(claims.take_these([switch]), Keys(), whole=False)
    with pumping() as pump:
        pump.add(Lane.DOOR, [*lanes[Lane.DOOR], *(nobody(-number, 1) for number in range(40))])
        assert (pump.room(Lane.DOOR), pump.room(Lane.WALK) > 0) == (0, True), "walks go on while so many are at the door"
        found = {one.device_id: one for one in drained(pump) if isinstance(one, Measurement)}
    walked = found.pop(switch)
    assert walked.reading is not None
    assert walked.followed is not None
    assert [one.reason for one in found.values()] == ["timeout"] * 40
