"""A controller that answers SNMP for real: its access points become devices and are watched through it, at every poll."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from fleet.devices import services as devices
from fleet.devices.models import Device, DeviceType
from fleet.events.services import deliver
from fleet.monitoring import services
from fleet.monitoring.models import Alert, Health, Latest
from fleet.snmp.agent import Engine, Responder, Table, View, ber
from helpdesk.tickets.models import Ticket
from tests.conftest import City

SYSTEM = {
    "1.3.6.1.2.1.1.1.0": ber.text("Ruckus Wireless"),
    "1.3.6.1.2.1.1.2.0": ber.oid("1.3.6.1.4.1.25053.3.1.5.20"),
    "1.3.6.1.2.1.1.3.0": ber.ticks(360_000),
}
TABLE = "1.3.6.1.4.1.25053.1.15.2.1.1.2.1.1"  # ruckusUnleashedWLANAPTable


ENGINE = Engine(b"\x80\x00\x1f\x88\x03\x02\x00\x00\x00\x00\x02", 7, 1000)


@dataclass
class Controller:
    """`fleet.snmp.agent.Agent` that lists access points by number."""

    listing: list[int] = field(default_factory=lambda: [1, 2, 3])
    reachable: bool = True
    delay_s: float = 0.0
    loss: float = 0.0
    communities: frozenset[bytes] = frozenset({b"planted-community"})
    user: None = None
    engine: Engine = ENGINE

    def view(self) -> View:
        rows = {oid: value for number in self.listing for oid, value in _row(number).items()}
        return Table((ber.arcs(oid), value) for oid, value in (SYSTEM | rows).items())


def _row(number: int) -> dict[str, bytes]:
    said = {
        1: ber.octets(bytes([2, 0, 0, 0, 0, number])),
        2: ber.text(f"AP {number}"),
        3: ber.integer(1),
        15: ber.integer(5),
    }
    return {f"{TABLE}.{column}.6.{number}": value for column, value in said.items()}


@pytest.fixture
def controller(city: City, settings: pytest.FixtureRequest) -> Iterator[tuple[Controller, Device]]:
    agent, loop, ready, stop = Controller(), asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    ports: list[int] = []

    async def serve() -> None:
        async with Responder({"127.20.1.90": agent}.get, 0) as responder:
            ports.append(responder.port)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(10)
    settings.SNMP_TIMEOUT_S = 0.3
    kind = devices.ensure_type(manufacturer="Ruckus", model="ZD", kind=DeviceType.Kind.CONTROLLER)
    details = devices.DeviceDetails(kind, "WLC", address="127.20.1.90", snmp_port=ports[0], snmp_credential=city.snmp)
    row = devices.create_device(site=city.school_a, details=details)
    Device.objects.exclude(pk=row.pk).filter(address__isnull=False).update(lifecycle=Device.Lifecycle.PLANNED)
    services.tend()
    yield agent, row
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.close()


def poll(times: int = 1) -> None:
    for _ in range(times):
        Health.objects.update(next_poll_at="2020-01-01T00:00:00Z")
        services.poll_due()


def states() -> dict[str, str]:
    return dict(Health.objects.filter(device__controller__isnull=False).values_list("device__name", "status"))


@pytest.mark.django_db(transaction=True)
def test_an_access_point_that_its_controller_misses_is_one_alert_until_it_is_listed_again(
    controller: tuple[Controller, Device],
) -> None:
    agent, row = controller
    poll()
    assert states() == {"AP 1": "up", "AP 2": "up", "AP 3": "up"}
    walked_at = Latest.objects.get(pk=row.pk).walked_at

    agent.listing = [1, 3]
    poll(4)

    assert Latest.objects.get(pk=row.pk).walked_at == walked_at, "polled by its plan, not walked"
    assert states() == {"AP 1": "up", "AP 2": "down", "AP 3": "up"}
    alert = Alert.objects.open().get()
    assert (alert.device.name, alert.evidence_opened["reason"], alert.evidence_opened["said_by"]) == (
        "AP 2",
        "controller",
        "WLC",
    )
    deliver()
    assert Ticket.objects.count() == 1

    agent.listing = [1, 2, 3]
    poll(6)

    alert.refresh_from_db()
    assert states()["AP 2"] == "up"
    assert alert.closed_at is not None
    assert alert.evidence_closed["said_by"] == "WLC"


@pytest.mark.django_db(transaction=True)
def test_of_a_silent_controllers_access_points_nothing_is_known(controller: tuple[Controller, Device]) -> None:
    agent, _row = controller
    poll()
    agent.reachable = False
    poll(4)
    assert set(states().values()) == {"unknown"}
    assert [alert.device.name for alert in Alert.objects.open()] == ["WLC"]
