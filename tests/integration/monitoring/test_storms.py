"""Scripted storms: forty silent devices are one alert to people, one ticket, and all of it ends with evidence."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from django.utils import timezone

from fleet.monitoring.models import Alert, Health, Outage
from fleet.sites import services as sites
from helpdesk.tickets.models import Article, Ticket
from tests.conftest import City
from tests.integration.monitoring.storms import AT_NIGHT, DURING_A_LESSON, NEXT_LESSON, ROUND, Script, big_school, new_school

pytestmark = pytest.mark.django_db
DISTURBING = ("alert.opened", "alert.reopened", "alert.flapping", "alert.confirmed")


@pytest.fixture
def script(city: City) -> Script:
    return new_school(city, "Nord")


def disturbed(script: Script) -> int:
    return sum(script.told(name) for name in DISTURBING)


def assert_all_is_over(script: Script) -> None:
    assert script.alerts() == {}
    assert not Outage.objects.open().filter(site=script.site).exists()
    for alert in Alert.objects.filter(site=script.site, kind="unreachable"):
        assert alert.evidence_closed["uptime_s"] == 60
        assert alert.evidence_closed["measured_at"]


@pytest.mark.parametrize("when", [DURING_A_LESSON, AT_NIGHT], ids=["lesson", "night"])
def test_a_gateway_with_forty_devices_behind_it(script: Script, when: object) -> None:
    big_school(script).now = AT_NIGHT if when is AT_NIGHT else DURING_A_LESSON
    script.rounds(2)
    script.dead = set(script.made)
    script.until(lambda: len(script.alerts()) == 41)

    assert script.roots() == ["gateway"]
    assert sum(cause == "gateway" for cause in script.alerts().values()) == 40
    assert disturbed(script) == 1
    assert [ticket.alert.device.name for ticket in script.tickets()] == ["gateway"]
    assert dict(Outage.objects.open().values_list("device__name", "cause")) == {
        name: "own" if name == "gateway" else "suppressed" for name in script.made
    }

    script.dead = set()
    script.rounds(2)
    assert_all_is_over(script)
    assert disturbed(script) == 1
    assert [ticket.state for ticket in script.tickets()] == ["resolved"]


def test_the_same_with_the_parents_death_noticed_last(script: Script) -> None:
    """The access points are known to be silent minutes before anybody asks what they hang on."""
    big_school(script).rounds(2)
    script.dead = set(script.made)
    script.rounds(6, [name for name in script.made if name.startswith(("ap-", "printer-"))])
    assert script.alerts() == {}
    script.rounds(1, ["switch-a", "switch-b"])
    script.until(lambda: len(script.alerts()) == 41)

    assert script.roots() == ["gateway"]
    assert disturbed(script) == 1
    assert [ticket.alert.device.name for ticket in script.tickets()] == ["gateway"]

    script.dead = set()
    script.rounds(2)
    assert_all_is_over(script)
    assert [ticket.state for ticket in script.tickets()] == ["resolved"]


def test_switches_without_snmp_hide_the_gateway_from_nobody(script: Script) -> None:
    """However soon the gateway answers after the storm, those behind it are given the time to start."""
    big_school(script, mute_switches=True).rounds(2)
    script.dead = set(script.made)
    script.until(lambda: len(script.alerts()) == 39)
    assert script.roots() == ["gateway"]

    script.now += ROUND
    script.say("gateway", answers=True)
    script.tend()
    assert script.roots() == []
    script.dead = {"ap-a00"}
    script.rounds(2)
    assert script.alerts() == {"ap-a00": "gateway"}
    script.rounds(4)
    assert script.roots() == ["ap-a00"]
    script.dead = set()
    script.rounds(1)
    assert_all_is_over(script)
    assert disturbed(script) == 2
    assert [ticket.alert.device.name for ticket in script.tickets()] == ["gateway", "ap-a00"]


def test_switches_without_snmp_and_the_gateways_death_noticed_last(script: Script) -> None:
    """Somebody else at the site answers all the while."""
    script.device("server", "server")
    big_school(script, mute_switches=True).rounds(2)
    script.dead = set(script.made) - {"server"}
    script.rounds(3, [name for name in script.made if name != "gateway"])
    assert script.alerts() == {}
    script.until(lambda: len(script.alerts()) == 39)

    assert script.roots() == ["gateway"]
    assert disturbed(script) == 1
    script.dead = set()
    script.rounds(2)
    assert_all_is_over(script)


def test_of_two_uplinks_the_one_that_failed_last_tells_of_what_was_cut_off(script: Script) -> None:
    """The other one has been broken for long, and somebody has put it off."""
    for name in ("switch-a", "switch-b"):
        script.device(name, "switch")
    for number in range(4):
        script.device(f"ap-{number}", "access-point", on=["switch-a", "switch-b"])
    script.device("printer", "printer")
    script.rounds(2)
    script.dead = {"switch-a"}
    script.rounds(30)
    assert script.roots() == ["switch-a"]

    script.dead = set(script.made) - {"printer"}
    script.until(lambda: len(script.alerts()) == 6)

    assert script.alerts() == {"switch-a": None, "switch-b": None} | {f"ap-{n}": "switch-b" for n in range(4)}


def test_a_parent_that_nobody_asked_for_long_takes_over_what_was_told_of_its_children(script: Script) -> None:
    big_school(script).rounds(2)
    script.dead = set(script.made)
    script.rounds(8, [name for name in script.made if name.startswith("ap-")])
    assert len(script.roots()) == 36

    script.until(lambda: len(script.alerts()) == 41)
    assert script.roots() == ["gateway"]
    *children, root = script.tickets()
    assert (root.alert.device.name, len(children)) == ("gateway", 36)
    assert {ticket.state for ticket in children} == {"new"}  # none ends before its device has been measured
    assert {last_notice(ticket).details["number"] for ticket in children} == {root.number}

    script.dead = {"ap-a00"}
    script.rounds(2)
    left = [ticket for ticket in script.tickets() if ticket.state != "resolved"]
    assert [ticket.alert.device.name for ticket in left] == ["ap-a00"]
    script.rounds(4)
    assert script.roots() == ["ap-a00"]
    assert last_notice(left[0]).notice == "alert-released"

    script.dead = set()
    script.rounds(2)
    assert_all_is_over(script)
    assert {ticket.state for ticket in script.tickets()} == {"resolved"}
    assert all(last_notice(ticket).details["evidence"]["uptime_s"] == 60 for ticket in script.tickets())


def last_notice(ticket: Ticket) -> Article:
    return ticket.articles.exclude(notice="").order_by("-pk")[0]


def test_a_fault_from_long_before_the_storm_is_not_blamed_on_it(script: Script) -> None:
    big_school(script).rounds(2)
    script.dead = {"ap-a00"}
    script.rounds(30)
    assert script.roots() == ["ap-a00"]

    script.dead = set(script.made)
    script.until(lambda: len(script.alerts()) == 41)

    assert sorted(script.roots()) == ["ap-a00", "gateway"]
    assert [ticket.alert.device.name for ticket in script.tickets()] == ["ap-a00", "gateway"]
    script.dead = {"ap-a00"}
    script.rounds(6)
    assert script.roots() == ["ap-a00"]
    assert script.told("alert.opened") == 2


def test_an_old_fault_is_no_part_of_a_dark_building(script: Script) -> None:
    for number in range(8):
        script.device(f"ap-{number}", "access-point")
    script.now = AT_NIGHT
    script.rounds(2)
    script.dead = {"ap-3"}
    script.rounds(30)
    script.dead = set(script.made)
    script.until(lambda: len(script.alerts()) == 9)

    assert sorted(script.roots()) == ["ap-3", "power-off"]
    assert {ticket.state for ticket in script.tickets()} == {"new"}
    script.rounds(4)
    assert sorted(script.roots()) == ["ap-3", "power-off"]


def test_a_switch_that_comes_and_goes_hides_no_fault_behind_it(script: Script) -> None:
    big_school(script).uptime_s = 900_000
    script.rounds(2)
    around = {name for name in script.made if name.endswith("-a") or name.startswith("ap-a")}
    for _ in range(4):
        script.dead = around
        script.rounds(4)
        script.dead = set()
        script.rounds(2)
    script.dead = around
    script.rounds(4)
    assert script.roots() == ["switch-a"]

    script.dead = {"ap-a00"}
    script.rounds(1)
    assert script.roots() == ["switch-a"]  # it has been asked once, at the same instant
    script.rounds(1)
    assert sorted(script.roots()) == ["ap-a00", "switch-a"]
    assert Alert.objects.get(device__name="switch-a").quiet_since is not None


def test_what_hung_on_a_root_cause_is_asked_afresh_when_that_is_back(
    script: Script, django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[object]]
) -> None:
    """However far behind, and whatever stands between them."""
    script.device("gateway", "router")
    script.device("switch", "switch", on=["gateway"], mute=True)
    script.device("ap-0", "access-point", on=["switch"])
    script.rounds(2)
    script.dead = set(script.made)
    script.until(lambda: len(script.alerts()) == 2)
    later = timezone.now() + timedelta(minutes=5)
    Health.objects.update(next_poll_at=later)

    with django_capture_on_commit_callbacks(execute=True):
        script.say("gateway", answers=True)

    assert Health.objects.get(device__name="ap-0").next_poll_at < later


def test_a_gateway_whose_school_has_printers_without_a_cable(script: Script) -> None:
    """Nobody has written down where they hang; they fall silent with all the others."""
    big_school(script)
    for number in range(3):
        script.device(f"uncabled-{number}", "printer")
    script.rounds(2)
    script.dead = set(script.made)
    script.until(lambda: len(script.alerts()) == 44)
    assert script.roots() == ["gateway"]
    assert (disturbed(script), len(script.tickets())) == (1, 1)

    script.dead = {"uncabled-0"}
    script.rounds(2)
    assert script.roots() == []  # perhaps it is still starting
    script.rounds(4)
    assert script.roots() == ["uncabled-0"]
    script.dead = set()
    script.rounds(1)
    assert_all_is_over(script)


def test_a_gateway_that_comes_and_goes_disturbs_twice_at_most(script: Script) -> None:
    big_school(script).rounds(2)
    for _ in range(6):
        script.dead = set(script.made)
        script.rounds(4)
        script.dead = set()
        script.rounds(2)

    assert script.roots() == ["gateway"]
    alert = Alert.objects.get(site=script.site, device__name="gateway")
    assert alert.flapping
    assert (script.told("alert.opened"), script.told("alert.reopened"), script.told("alert.flapping")) == (1, 1, 1)
    assert len(script.tickets()) == 1

    script.now += timedelta(hours=2)
    script.rounds(1)
    assert_all_is_over(script)


def test_a_dark_building_at_night_is_one_question_until_school_begins(script: Script) -> None:
    """The gateway stands elsewhere; the access points hang on a switch that nobody asks."""
    elsewhere = sites.create_building(site=script.site, name="Haus 2")
    script.device("gateway", "router", building=elsewhere)
    script.device("switch", "switch", on=["gateway"])
    for number in range(40):
        script.device(f"ap-{number:02}", "access-point", on=["switch"] if number < 20 else ())
    script.now = AT_NIGHT
    script.rounds(2)
    script.dead = set(script.made) - {"gateway"}
    script.until(lambda: len(script.alerts()) == 42)

    assert script.roots() == ["power-off"]
    alert = Alert.objects.get(kind="power-off")
    assert (alert.building, alert.severity, alert.device.name) == (script.building, "info", "switch")
    assert disturbed(script) == 1
    assert script.tickets() == []
    assert set(Outage.objects.open().values_list("cause", flat=True)) == {"power"}

    script.now = NEXT_LESSON + timedelta(minutes=1)
    script.rounds(1)
    alert.refresh_from_db()
    assert (alert.severity, script.told("alert.confirmed")) == ("critical", 1)
    assert [ticket.alert for ticket in script.tickets()] == [alert]

    script.dead = {"ap-00"}
    script.rounds(2)
    assert script.roots() == ["power-off"]  # perhaps it is still starting
    script.rounds(5)
    assert script.roots() == ["ap-00"]
    assert Alert.objects.get(kind="power-off").evidence_closed["still_silent"] == ["ap-00"]
    script.dead = set()
    script.rounds(1)
    assert_all_is_over(script)
    assert {ticket.state for ticket in script.tickets()} == {"resolved"}


def test_back_before_school_nobody_was_bothered_with_a_ticket(script: Script) -> None:
    for number in range(8):
        script.device(f"ap-{number}", "access-point")
    script.now = AT_NIGHT
    script.rounds(2)
    script.dead = {f"ap-{number}" for number in range(8)}
    script.until(lambda: len(script.alerts()) == 9)
    assert script.roots() == ["power-off"]
    script.now = NEXT_LESSON - timedelta(minutes=30)
    script.dead = set()
    script.rounds(2)
    assert_all_is_over(script)
    assert script.tickets() == []


def test_a_site_that_nobody_answers_from_is_one_alert(script: Script) -> None:
    for number in range(8):
        script.device(f"ap-{number}", "access-point")
    script.rounds(2)
    script.dead = set(script.made)
    script.until(lambda: len(script.alerts()) == 9)
    assert script.roots() == ["silent-site"]
    assert Alert.objects.get(kind="silent-site").severity == "critical"
    assert (disturbed(script), len(script.tickets())) == (1, 1)
    script.dead = set()
    script.rounds(2)
    assert_all_is_over(script)
    assert {ticket.state for ticket in script.tickets()} == {"resolved"}


def test_one_dead_access_point_at_night_is_no_dark_building(script: Script) -> None:
    for number in range(8):
        script.device(f"ap-{number}", "access-point")
    script.now = AT_NIGHT
    script.rounds(2)
    script.dead = {"ap-3"}
    script.until(lambda: bool(script.alerts()))
    assert script.alerts() == {"ap-3": None}
    assert Alert.objects.get().severity == "warning"  # critical, were it day
