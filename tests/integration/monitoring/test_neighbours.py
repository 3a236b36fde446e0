"""Who is asked out of turn: what a silent device hangs on, and what was silent behind one that is back."""

import pytest
from pytest_django import DjangoAssertNumQueries

from fleet.devices import services as devices
from fleet.devices.models import Uplink
from fleet.monitoring.models import Health
from fleet.monitoring.services.neighbours import ask_neighbours
from tests.conftest import City
from tests.integration.monitoring.storms import Script, new_school

pytestmark = pytest.mark.django_db


@pytest.fixture
def script(city: City) -> Script:
    """gateway → switch without SNMP → another one → three access points; a second way up for the last of them."""
    made = new_school(city, "Nord")
    made.device("gateway", "router")
    made.device("core", "switch", on=["gateway"], mute=True)
    made.device("closet", "switch", on=["core"], mute=True)
    made.device("spare", "switch", on=["gateway"])
    for number in range(3):
        made.device(f"ap-{number}", "access-point", on=["closet", "spare"] if number == 2 else ["closet"])
    return made


def keys(script: Script, *names: str) -> set[int]:
    return {script.made[name].pk for name in names}


def test_beyond_switches_without_snmp(script: Script) -> None:
    silent = keys(script, "ap-0", "ap-1")
    Health.objects.filter(pk__in=silent).update(failures=3)

    assert ask_neighbours(fell_silent=keys(script, "ap-0"), came_back=set()) == keys(script, "gateway")
    assert ask_neighbours(fell_silent=keys(script, "ap-2"), came_back=set()) == keys(script, "gateway", "spare")
    assert ask_neighbours(fell_silent=keys(script, "ap-0", "gateway"), came_back=set()) == set()
    assert ask_neighbours(fell_silent=set(), came_back=keys(script, "gateway")) == silent


def test_where_nothing_has_changed_nobody_looks(db: None, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert ask_neighbours(fell_silent=set(), came_back=set()) == set()


def test_cables_in_a_circle_end(script: Script) -> None:
    port = devices.add_interface(device=script.mute["closet"], details=devices.InterfaceDetails("back", 99))
    Uplink.objects.create(device=script.mute["core"], port=port)  # as nobody may say it
    assert ask_neighbours(fell_silent=keys(script, "ap-0"), came_back=set()) == keys(script, "gateway")
