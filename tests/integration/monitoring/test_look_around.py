"""What time alone does: who stands out, what the hour makes of it, what comes back into the list."""

from datetime import timedelta

import pytest
from django.utils import timezone

from fleet.devices.models import Device
from fleet.events.services import deliver
from fleet.monitoring import services
from fleet.monitoring.models import Alert, Health, Suspicion
from helpdesk.tickets.models import Ticket
from tests.conftest import City
from tests.integration.monitoring.storms import AT_NIGHT, DURING_A_LESSON, NEXT_LESSON, Script, new_school

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def script(city: City) -> Script:
    made = new_school(city, "C")
    for number in range(4):
        made.device(f"ap-{number}", "access-point")
    return made


def clients(script: Script, **counts: int) -> None:
    """How many are connected to each, from now on."""
    script.poll()
    for name, count in counts.items():
        row = Health.objects.get(device=script.made[name.replace("_", "-")])
        row.reading = row.reading | {"wireless": {"clients": count}}
        row.save()


def look(script: Script, after_min: int) -> None:
    services.look_around(now=script.now + after_min * MINUTE)


def test_an_access_point_that_nobody_uses_among_full_ones(script: Script) -> None:
    clients(script, ap_0=0, ap_1=20, ap_2=25, ap_3=18)
    look(script, 0)
    look(script, 9)
    assert not Alert.objects.exists()

    look(script, 10)
    alert = Alert.objects.get()
    assert (alert.kind, alert.severity, alert.device.name) == ("silent-access-point", "warning", "ap-0")
    assert alert.evidence_opened["neighbours"] == {"ap-1": 20, "ap-2": 25, "ap-3": 18}

    clients(script, ap_0=0, ap_1=0, ap_2=0, ap_3=0)  # all have gone home: that is no evidence
    look(script, 600)
    assert Alert.objects.open().exists()

    clients(script, ap_0=1)
    look(script, 601)
    alert.refresh_from_db()
    assert alert.evidence_closed["values"] == {"clients": 1}


def test_one_that_has_only_just_come_back_is_given_its_time(script: Script) -> None:
    clients(script, ap_0=0, ap_1=20, ap_2=25, ap_3=18)
    look(script, 0)
    script.dead = {"ap-0"}
    for _ in range(11):
        script.now += MINUTE
        script.poll()
        look(script, 0)

    script.dead = set()
    clients(script, ap_0=0, ap_1=20, ap_2=25, ap_3=18)
    look(script, 0)

    assert not Alert.objects.open().filter(kind="silent-access-point").exists()
    look(script, 10)
    assert Alert.objects.open().filter(kind="silent-access-point").exists()


def test_one_that_only_its_controller_tells_of_is_no_exception(script: Script) -> None:
    wlc = script.device("wlc", "wireless-controller")
    clients(script, ap_0=0, ap_1=20, ap_2=25, ap_3=18)
    Device.objects.filter(pk=script.made["ap-0"].pk).update(address=None, controller=wlc)

    look(script, 0)
    look(script, 10)

    assert Alert.objects.get().device.name == "ap-0"


def test_outside_of_lessons_nobody_is_suspected(script: Script) -> None:
    clients(script, ap_0=0, ap_1=20, ap_2=25, ap_3=18)
    look(script, 0)
    assert Suspicion.objects.count() == 1
    look(script, 12 * 60)
    assert not Suspicion.objects.exists()
    assert not Alert.objects.exists()


def test_what_began_at_night_weighs_more_once_school_has_begun(script: Script) -> None:
    script.now = AT_NIGHT
    script.rounds(2)
    script.dead = {"ap-1"}
    script.until(lambda: bool(script.alerts()))
    alert = Alert.objects.get()
    assert (alert.severity, alert.lessons_hit) == ("warning", 0)
    assert Ticket.objects.get().priority == Ticket.Priority.NORMAL

    services.look_around(now=NEXT_LESSON + MINUTE)
    deliver()
    alert.refresh_from_db()
    assert (alert.severity, alert.lessons_hit) == ("critical", 2)
    assert Ticket.objects.get().priority == Ticket.Priority.HIGH
    assert Ticket.objects.get().articles.filter(notice="alert-severity").count() == 1

    services.look_around(now=NEXT_LESSON + 120 * MINUTE)
    alert.refresh_from_db()
    assert (alert.severity, alert.lessons_hit) == ("critical", 0)  # not played down in the evening


def test_what_was_put_off_comes_back_by_itself(script: Script, city: City) -> None:
    script.now = DURING_A_LESSON
    script.rounds(2)
    script.dead = {"ap-1"}
    script.until(lambda: bool(script.alerts()))
    alert = Alert.objects.get()
    now = timezone.now()
    assert services.snooze(alert=alert, by=city.technician, until=now + MINUTE, now=now)
    services.look_around(now=now)
    assert list(alert.notes.values_list("act", flat=True)) == ["snoozed"]
    services.look_around(now=now + MINUTE)
    alert.refresh_from_db()
    assert alert.snoozed_until is None
    assert list(alert.notes.values_list("act", flat=True)) == ["snoozed", "woken"]
