"""The nightly check on devices that answer: what playbooks would change is found, decided on, and gone when it is right."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.conf import LazySettings
from django.utils import timezone

from fleet.automation.models import Baseline, Change, Drift, SiteCheck
from fleet.automation.rules.drifts import Subject
from fleet.automation.rules.keeping import night_of, turn
from fleet.automation.services import checking, drift, intent
from fleet.automation.services.intent import IntentError, Place
from fleet.automation.services.leases import kept, lease
from fleet.devices.models import Device
from fleet.lab.ssh import uci
from tests.integration.automation.conftest import PSK, School, soon, wait_until
from tests.integration.automation.test_backups import everything_stored
from tests.integration.automation.test_races import at_once

BASE = {
    "ntp_servers": ["ntp1.musterstadt.example"],
    "syslog_host": "log.musterstadt.example",
    "snmp_contact": "IT der Stadt",
}
NOON = datetime(2026, 11, 26, 12, tzinfo=ZoneInfo("Europe/Berlin"))
NIGHT = NOON.replace(hour=1)


def want(school: School, values: Mapping[str, object]) -> None:
    for key, value in values.items():
        intent.set_value(place=Place(school.switch.site.authority), key=key, value=value)


def under_way(device: Device) -> SiteCheck:
    SiteCheck.objects.all().delete()
    row = SiteCheck(authority_id=device.authority_id, site=device.site, night=timezone.localdate())
    row.lease_until = lease(timezone.now())
    row.save()
    return row


def checked(school: School, device: Device) -> SiteCheck:
    row = under_way(device)
    checking.check(row)
    return row


def live(device: Device) -> dict[str, str]:
    return dict(Drift.objects.filter(device=device, state__in=drift.LIVE).values_list("key", "state"))


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a platform whose configuration nobody reads yet: only what the playbook says is known."""
    monkeypatch.setattr(drift, "places", lambda _platform: [])


@pytest.mark.usefixtures("blind")
def test_what_a_playbook_would_change_is_found_restored_and_gone(school: School) -> None:
    want(school, BASE)

    first = checked(school, school.switch)
    again = checked(school, school.switch)

    assert (first.differing, first.unanswered) == (first.devices, {})
    assert again.differing == first.differing
    found = Drift.objects.get(device=school.switch)
    assert (found.key, found.state) == ("check:baseline", "open")
    assert "-" in found.diff
    assert "ntp1.musterstadt.example" in found.diff

    change = school.approved(drift.restore(drift=found, by=school.asker))
    assert change.state == Change.State.CONFIRMED, [(run.problem, run.error) for run in change.runs.all()]
    checked(school, school.switch)
    assert live(school.switch) == {}
    assert live(school.ap) == {"check:baseline": "open"}


def test_what_the_backup_tells_setting_by_setting_is_not_told_twice(school: School) -> None:
    want(school, BASE)

    checked(school, school.switch)

    assert live(school.switch) == dict.fromkeys(BASE, "open")


def test_what_is_ignored_hides_nothing_else_that_the_playbook_would_change(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = drift.places
    monkeypatch.setattr(drift, "places", lambda platform: [one for one in known(platform) if one.key == "ntp_servers"])
    want(school, BASE)

    checked(school, school.switch)
    assert live(school.switch) == {"ntp_servers": "open", "check:baseline": "open"}
    servers, rest = (Drift.objects.get(device=school.switch, key=key) for key in ("ntp_servers", "check:baseline"))
    assert "log.musterstadt.example" in rest.diff
    assert "ntp1" not in rest.diff, "that is said by itself"
    drift.ignore(drift=servers, until=timezone.localdate() + timedelta(days=9), reason="Umbau", by=school.asker)
    checked(school, school.switch)
    assert live(school.switch) == {"ntp_servers": "ignored", "check:baseline": "open"}

    change = school.approved(drift.restore(drift=rest, by=school.asker))
    assert change.state == Change.State.CONFIRMED, [(run.problem, run.error) for run in change.runs.all()]
    checked(school, school.switch)
    assert live(school.switch) == {"ntp_servers": "ignored"}


@pytest.mark.usefixtures("blind")
def test_what_has_come_to_an_ignored_difference_opens_it_again(school: School) -> None:
    want(school, {"ntp_servers": ["ntp1.musterstadt.example"]})
    checked(school, school.switch)
    found = Drift.objects.get(device=school.switch)
    drift.ignore(drift=found, until=timezone.localdate() + timedelta(days=9), reason="Umbau", by=school.asker)
    checked(school, school.switch)
    assert live(school.switch) == {"check:baseline": "ignored"}

    want(school, {"syslog_host": "log.musterstadt.example"})
    checked(school, school.switch)

    assert live(school.switch) == {"check:baseline": "open"}


@pytest.mark.usefixtures("blind")
def test_what_a_change_has_put_there_for_a_while_is_wanted_and_missed_when_somebody_takes_it_away(school: School) -> None:
    want(school, {"wifis": [{"ssid": "Schule", "encryption": "sae-mixed", "network": "lan", "psk": PSK}]})
    change = school.approved(school.exam("Klausur", ends_at=soon(7200)))
    assert change.state == Change.State.CONFIRMED, [(run.problem, run.error) for run in change.runs.all()]
    checked(school, school.ap)
    assert "check:ssid:Klausur" not in live(school.ap)
    assert "check:ssid:Schule" not in live(school.ap), "the backup shows that one"

    school.approved(school.order("ssid", arguments={"ssid": "Klausur", "psk": PSK, "state": "absent"}))
    checked(school, school.ap)

    missing = Drift.objects.get(device=school.ap, key="check:ssid:Klausur")
    assert not [text[:200] for text in everything_stored() if PSK in text]
    back = drift.restore(drift=missing, by=school.asker)
    assert (back.ends_at, back.arguments["ssid"]) == (change.ends_at, "Klausur")


GUESTS = "\nconfig interface 'guest'\n\toption device 'br-guest'\n\toption proto 'none'\n"


def test_a_wifi_of_another_network_is_put_there_and_nowhere_else(school: School) -> None:
    want(school, {"wifis": [{"ssid": "Gast", "encryption": "sae-mixed", "network": "guest", "psk": PSK}]})
    where = {"authority_id": school.ap.authority_id, "site_id": school.ap.site_id, "device": school.ap}
    missing = Drift.objects.create(**where, key=str(Subject(ssid="Gast")))

    refused = school.work(drift.restore(drift=missing, by=school.asker))
    assert refused.state == Change.State.FAILED, "without that network it would lead nowhere"
    assert "Gast" not in school.on_air(school.ap)

    school.machine(school.ap).files["/etc/config/network"] += GUESTS
    Drift.objects.filter(pk=missing.pk).update(state=Drift.State.OPEN)
    change = school.approved(drift.restore(drift=Drift.objects.get(pk=missing.pk), by=school.asker))
    assert change.state == Change.State.CONFIRMED, [(run.problem, run.error) for run in change.runs.all()]
    wireless = str(school.machine(school.ap).files["/etc/config/wireless"])
    (made,) = {one.options["network"] for one in uci.parse(wireless) if one.options.get("ssid") == "Gast"}
    assert made == "guest"


@pytest.mark.usefixtures("blind")
def test_a_device_that_does_not_answer_is_not_judged(school: School) -> None:
    want(school, BASE)
    checked(school, school.ap)
    Device.objects.filter(pk=school.ap.pk).update(ssh_host_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFAKE")

    row = checked(school, school.ap)

    assert str(school.ap.pk) in row.unanswered
    assert live(school.ap) == {"check:baseline": "open"}


def test_each_site_is_checked_once_a_night_whoever_asks_and_never_by_day(school: School) -> None:
    want(school, BASE)
    site = school.switch.site
    due = turn(site.pk, night_of(NIGHT)) + timedelta(minutes=1)

    assert checking._claimed(NOON) is None
    claims = at_once(*[lambda: checking._claimed(due)] * 3)

    mine = [row.site_id for row in claims if row is not None]
    assert len(mine) == len(set(mine)) <= checking.AT_ONCE + 1
    assert site.pk in mine
    row = SiteCheck.objects.get(site=site)
    SiteCheck.objects.exclude(pk=row.pk).update(finished_at=due)
    assert row.lease_until is not None
    later = (row.lease_until + timedelta(seconds=1)).astimezone(due.tzinfo)
    taken = at_once(*[lambda: checking._claimed(later)] * 3)
    assert len([one for one in taken if one is not None and one.pk == row.pk]) == 1, "its worker is gone"


def test_a_check_that_takes_longer_than_a_lease_is_nobody_elses_and_a_dead_workers_is_taken_over_once(
    school: School, settings: LazySettings
) -> None:
    settings.RUN_LEASE_S = 1
    row = under_way(school.switch)
    first = row.lease_until
    assert first is not None
    with kept(lambda: checking._hold(row)):  # as beside a playbook that takes its time
        wait_until(lambda: SiteCheck.objects.get(pk=row.pk).lease_until > first + timedelta(seconds=1))
        assert checking._taken_over(row.night, first + timedelta(seconds=1)) is None
    row.refresh_from_db()
    assert row.lease_until is not None

    later = row.lease_until + timedelta(seconds=1)
    taken = at_once(*[lambda: checking._taken_over(row.night, later)] * 3)

    assert [one.pk for one in taken if one is not None] == [row.pk]
    with pytest.raises(checking.TakenOverError):
        checking.check(row)
    row.differing = 99
    checking._finish(row)
    row.refresh_from_db()
    assert (row.finished_at, row.differing) == (None, 0), "whose lease is over says nothing any more"


def test_a_zone_is_between_platform_and_site(school: School) -> None:
    device = school.switch
    authority = device.site.authority
    zone = intent.set_zone(authority=authority, name="Verwaltung", networks=[f"{device.address}/32"])
    intent.set_zone(authority=authority, name="Alles", networks=["0.0.0.0/0"])
    intent.set_value(place=Place(authority, platform="labswitch"), key="syslog_host", value="platform.example")
    intent.set_value(place=Place(authority, zone=zone), key="syslog_host", value="zone.example")

    assert intent.render(device).values["syslog_host"] == "zone.example"
    assert "syslog_host" not in intent.render(school.ap).values
    intent.set_value(place=Place(authority, site=device.site), key="syslog_host", value="site.example")
    assert intent.render(device).values["syslog_host"] == "site.example"
    assert intent.zone_at(device) == zone
    Device.objects.filter(pk=device.pk).update(address=None)
    with pytest.raises(IntentError):
        intent.zone_at(Device.objects.get(pk=device.pk))
    intent.forget_zone(zone=zone)
    assert not Baseline.objects.filter(level="zone").exists()


def test_until_a_changed_device_has_been_fetched_anew_it_is_not_compared(school: School) -> None:
    from fleet.automation.services import backups

    want(school, BASE)
    backups.fetch([school.switch.pk])
    backups.want(device_ids=[school.switch.pk], change_id=None, now=timezone.now())

    drift.compare([school.switch.pk])
    assert live(school.switch) == {}

    backups.keep()
    drift.compare([school.switch.pk])
    assert set(live(school.switch)) == set(BASE)
