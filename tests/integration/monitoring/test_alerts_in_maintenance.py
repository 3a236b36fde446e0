"""What is silent because somebody works on it: known, disturbing nobody, and judged afresh at the end."""

from datetime import timedelta

import pytest

from fleet.monitoring.models import Alert, Health, Outage
from fleet.monitoring.services import maintenance
from fleet.monitoring.services.thresholds import Judged, judge
from tests.conftest import City
from tests.integration.monitoring.storms import Script, new_school

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def script(city: City) -> Script:
    made = new_school(city, "C")
    made.device("gateway", "router")
    made.device("switch", "switch", on=["gateway"])
    for number in range(3):
        made.device(f"ap-{number}", "access-point", on=["switch"])
    made.rounds(2)
    planned = maintenance.Planned(
        covers="devices", starts_at=made.now, ends_at=made.now + HOUR, reason="Austausch", site=made.site,
        device_ids=[made.made["switch"].pk],
    )  # fmt: skip
    maintenance.plan(authority_id=city.authority.pk, planned=planned, by=None)
    return made


def test_the_covered_and_what_hangs_behind_them_open_nothing_and_are_known_to_be_silent(script: Script) -> None:
    script.dead = set(script.made) - {"gateway"}
    script.rounds(8)
    assert script.alerts() == {}
    assert dict(Outage.objects.open().values_list("device__name", "cause")) == dict.fromkeys(script.dead, "maintenance")


def test_who_is_still_silent_at_the_end_is_judged_then(script: Script) -> None:
    script.dead = set(script.made) - {"gateway"}
    script.rounds(8)
    script.now += HOUR
    script.tend()
    assert script.roots() == ["switch"]
    assert len(script.alerts()) == 4
    assert len(script.tickets()) == 1
    assert set(Outage.objects.open().values_list("cause", flat=True)) == {"own", "suppressed"}


def test_what_is_not_covered_is_an_alert_as_ever(script: Script) -> None:
    script.dead = set(script.made)
    script.until(lambda: bool(script.alerts()))
    script.rounds(4)
    assert script.alerts() == {"gateway": None}


def test_a_limit_is_judged_afresh_at_the_end_too(script: Script) -> None:
    device = script.made["switch"]

    def say(value: float) -> None:
        row = Health.objects.get(device=device)
        judge(batch=[Judged(row, {"temperature_c": value}, script.now)])
        row.save()

    for _ in range(3):
        script.now += timedelta(minutes=10)
        say(90)
    assert not Alert.objects.exists()
    script.now += HOUR
    say(90)
    assert Alert.objects.get().kind == "temperature_c"
