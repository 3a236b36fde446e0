"""What a controller's list means."""

from datetime import UTC, datetime, timedelta

import pytest

from fleet.devices.models import DeviceType
from fleet.monitoring.rules import finding, listing
from fleet.monitoring.rules.listing import Listed
from fleet.monitoring.rules.polling import Availability, Status
from fleet.snmp.types import KINDS

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
UP = Availability(Status.UP, NOW - timedelta(hours=1))
FAILING = Availability(Status.UP, NOW - timedelta(hours=1), 2, NOW - timedelta(minutes=2), "controller")


@pytest.mark.parametrize(
    ("before", "listed", "status", "failures"),
    [
        (UP, Listed("a", connected=True), Status.UP, 0),
        (UP, Listed("a", connected=None), Status.UP, 0),
        (UP, Listed("a", connected=False), Status.UP, 1),
        (UP, None, Status.UP, 1),
        (FAILING, None, Status.DOWN, 3),
        (FAILING, Listed("a", connected=True), Status.UP, 0),
    ],
)
def test_silence_of_the_list_is_confirmed_as_any_other(
    before: Availability, listed: Listed | None, status: Status, failures: int
) -> None:
    after = listing.availability(before, listed, NOW)
    assert (after.status, after.failures) == (status, failures)


@pytest.mark.parametrize(
    ("said", "listed"),
    [
        ({"name": "AP-1", "mac": "00-21-86-B5-6E-10", "status": "up", "clients": 3},
         Listed("AP-1", "00:21:86:b5:6e:10", connected=True, clients=3)),
        ({"mac": "0021.86b5.6e10", "status": "down"}, Listed("00:21:86:b5:6e:10", "00:21:86:b5:6e:10", connected=False)),
        ({"name": "AP-1", "mac": "nonsense", "status": "rebooting"}, Listed("AP-1")),
        ({"status": "up"}, None),
    ],
)  # fmt: skip
def test_an_element_of_a_reading_is_read_without_guessing(said: dict[str, object], listed: Listed | None) -> None:
    assert Listed.of(said) == listed


@pytest.mark.parametrize(
    ("taken", "mac", "name"),
    [
        (set(), "", "AP"),
        ({"AP"}, "00:21:86:b5:6e:10", "AP b56e10"),
        ({"AP"}, "", "AP 2"),
        ({"AP", "AP b56e10"}, "00:21:86:b5:6e:10", "AP 2"),
    ],
)
def test_a_name_that_the_site_has_already_gets_an_end(taken: set[str], mac: str, name: str) -> None:
    assert finding.free_name("AP", mac, taken) == name


def test_a_device_can_be_of_every_kind_that_is_read() -> None:
    assert set(DeviceType.Kind.values) == KINDS
