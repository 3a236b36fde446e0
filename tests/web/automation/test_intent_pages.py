"""Backups, drift and compliance on pages and over the API: who sees what, who decides what, and never a secret."""

import csv
import io
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.automation.models import Backup, BackupState, Baseline, Change, Drift
from fleet.automation.services import backups, drift, intent
from fleet.automation.services.backups import Why
from fleet.devices import services as devices
from fleet.devices.models import Device
from tests.conftest import City, bearer
from tests.web.automation.conftest import make_change

KEY = "gepflanzt-7Kx2-9mQw"
CONFIG = """package system
config system 'system'
\toption log_ip '{log}'
package wireless
config wifi-iface 'one'
\toption mode 'ap'
\toption network 'lan'
\toption ssid 'Schule'
\toption encryption 'sae-mixed'
\toption key '{key}'
"""


def keep(device: Device, log: str = "192.0.2.9", key: str = KEY) -> Backup:
    return backups.store(device=device, text=CONFIG.format(log=log, key=key), why=Why())


@pytest.fixture
def kept(city: City) -> Backup:
    return keep(city.access_point_a)


@pytest.fixture
def differs(city: City, kept: Backup) -> Drift:
    intent.set_value(place=intent.Place(city.authority), key="syslog_host", value="log.example")
    drift.compare([kept.device_id])
    return Drift.objects.get()


def shown(client: Client, name: str, *args: int, **query: str) -> str:
    answer = client.get(reverse(f"automation:{name}", args=args), query)
    assert answer.status_code == 200, (name, answer.status_code)
    return (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()


def test_a_version_hides_its_secrets_wherever_it_is_shown(theo: Client, city: City, kept: Backup) -> None:
    other = keep(city.access_point_a, "192.0.2.10", KEY + "-neu")
    headers = bearer(city.technician)
    pages = [
        shown(theo, "backup", kept.pk),
        shown(theo, "backup", other.pk, against=str(kept.pk)),
        shown(theo, "backup", kept.pk, search="option key"),
        shown(theo, "device-backups", kept.device_id),
        shown(theo, "backup-download", kept.pk),
        theo.get(f"/api/v1/backups/{kept.pk}", headers=headers).content.decode(),
        theo.get(f"/api/v1/backups/{kept.pk}/diff/{other.pk}", headers=headers).content.decode(),
    ]

    assert all("gepflanzt" not in page for page in pages)
    assert "192.0.2.10" in pages[1]
    assert "*** (changed)" in pages[1]
    assert "option key" in pages[2]
    assert "option ssid" in pages[4]


def test_versions_of_two_devices_are_not_held_against_each_other(theo: Client, city: City, kept: Backup) -> None:
    other = keep(city.access_point_b)

    assert theo.get(reverse("automation:backup", args=[kept.pk]), {"against": other.pk}).content.decode().count("diff-") == 0
    assert theo.get(f"/api/v1/backups/{kept.pk}/diff/{other.pk}", headers=bearer(city.technician)).status_code == 404


@pytest.mark.parametrize("who", ["coordinator_a", "auditor", "approver"])
def test_who_does_not_work_on_the_device_downloads_and_restores_nothing(
    client: Client, city: City, kept: Backup, who: str
) -> None:
    client.force_login(getattr(city, who), backend="allauth.account.auth_backends.AuthenticationBackend")

    assert client.get(reverse("automation:backup-download", args=[kept.pk])).status_code == 404
    assert client.post(reverse("automation:backup-restore", args=[kept.pk])).status_code == 404
    assert client.post(reverse("automation:backup-fetch", args=[kept.device_id])).status_code == 404
    assert not Change.objects.exists()


def test_restoring_makes_a_change_that_waits_for_its_preview(theo: Client, kept: Backup) -> None:
    answer, again = (theo.post(reverse("automation:backup-restore", args=[kept.pk])) for _ in range(2))
    assert answer.headers["Location"] == again.headers["Location"], "a double click asks once"

    change = Change.objects.get()
    assert answer["Location"] == reverse("automation:change", args=[change.pk])
    assert (change.playbook, change.arguments, change.state) == ("restore", {"backup": kept.pk}, "previewing")
    assert change.approvals_needed == 1


def test_the_overview_shows_whose_backup_is_old(theo: Client, city: City, kept: Backup) -> None:
    BackupState.objects.filter(pk=kept.device_id).update(succeeded_at=timezone.now() - timedelta(days=4))
    keep(city.access_point_b)

    everything, late = shown(theo, "backups"), shown(theo, "backups", late="on")

    assert "AP-204-A" in everything
    assert "AP-204-B" in everything
    assert "AP-204-A" in late
    assert "AP-204-B" not in late


def test_lists_take_a_fixed_number_of_queries(
    city: City, theo: Client, kept: Backup, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        details = devices.DeviceDetails(city.access_point_a.type, f"AP-{number}", serial=f"N{number}")
        device = devices.create_device(site=city.school_a, details=details)
        keep(device)
        scope = {"authority_id": device.authority_id, "site_id": device.site_id}
        Drift.objects.create(**scope, device=device, key="banner", diff="-a\n+b")
    for name in ("backups", "drift", "compliance", "intent"):
        with django_assert_max_num_queries(12):
            shown(theo, name)


class TestDeciding:
    @pytest.mark.usefixtures("differs")
    def test_a_difference_is_shown_and_counted(self, theo: Client, ada: Client) -> None:
        assert "log.example" in shown(theo, "drift")
        assert "/drift/" in ada.get("/", follow=True).content.decode()

    def test_adopted_for_the_school(self, theo: Client, city: City, differs: Drift) -> None:
        theo.post(reverse("automation:drift-adopt", args=[differs.pk]), {"level": "site"})

        row = Baseline.objects.get(level="site")
        assert (row.site, row.key, row.value, row.changed_by) == (city.school_a, "syslog_host", "192.0.2.9", city.technician)
        drift.compare([differs.device_id])
        assert Drift.objects.get().state == "adopted"

    def test_only_an_administrator_adopts_for_all_schools(self, theo: Client, ada: Client, differs: Drift) -> None:
        theo.post(reverse("automation:drift-adopt", args=[differs.pk]), {"level": "authority"})
        assert Drift.objects.get().state == "open"

        ada.post(reverse("automation:drift-adopt", args=[differs.pk]), {"level": "authority"})
        assert Baseline.objects.get().value == "192.0.2.9"

    def test_ignored_until_a_day_and_open_after_it(self, theo: Client, differs: Drift) -> None:
        url, today = reverse("automation:drift-ignore", args=[differs.pk]), timezone.localdate()
        theo.post(url, {"until": today - timedelta(days=1), "reason": "alt"})
        theo.post(url, {"until": today, "reason": ""})
        assert Drift.objects.get().state == "open"

        theo.post(url, {"until": today, "reason": "Umbau"})
        drift.compare([differs.device_id])
        assert Drift.objects.get().state == "ignored"
        drift.compare([differs.device_id], now=timezone.now() + timedelta(days=1))
        assert Drift.objects.get().state == "open"

    def test_restoring_one_setting_needs_no_other(self, theo: Client, differs: Drift) -> None:
        theo.post(reverse("automation:drift-restore", args=[differs.pk]))

        change = Change.objects.get()
        assert (change.playbook, change.arguments) == ("baseline", {"syslog_host": "log.example"})
        assert Drift.objects.get().state == "restored"

    def test_what_cannot_be_ordered_there_says_why(self, theo: Client, city: City, differs: Drift) -> None:
        Device.objects.filter(pk=city.access_point_a.pk).update(ssh_credential=None, ssh_follows_site=False)

        answer = theo.post(reverse("automation:drift-restore", args=[differs.pk]), follow=True)

        assert "AP-204-A" in answer.content.decode()
        assert not Change.objects.exists()
        assert Drift.objects.get().state == "open"

    def test_who_only_looks_decides_nothing(self, franka: Client, differs: Drift) -> None:
        for name in ("adopt", "restore", "ignore"):
            assert franka.post(reverse(f"automation:drift-{name}", args=[differs.pk])).status_code == 404


class TestWanted:
    @pytest.mark.parametrize(
        ("change", "passing"),
        [
            ({"state": "confirmed", "box": "pending"}, {"Klausur"}),
            ({"state": "confirmed", "box": "reverting"}, {"Klausur"}),
            ({"state": "confirmed", "box": "reverted"}, set()),
            ({"state": "awaiting-approval", "box": "pending"}, set()),
        ],
    )
    def test_a_wifi_for_a_while_is_there_by_right(self, city: City, change: dict[str, str], passing: set[str]) -> None:
        ends_at = timezone.now() + timedelta(hours=5)
        make_change(city.access_point_a, city.coordinator_a, ends_at=ends_at, **change)

        assert intent.render(city.access_point_a).passing_wifis == passing
        assert intent.render(city.access_point_b).passing_wifis == set()

    def test_an_administrator_sets_a_value_and_takes_it_away(self, ada: Client) -> None:
        ada.post("/intent/", {"key": "ntp_servers", "school": "Schule A", "value": "a.example\nb.example\n"})
        row = Baseline.objects.get()
        assert (row.level, row.value) == ("site", ["a.example", "b.example"])

        ada.post(reverse("automation:intent-forget", args=[row.pk]))
        assert not Baseline.objects.exists()

    def test_a_wifis_key_is_kept_encrypted_and_shown_nowhere(self, ada: Client, city: City) -> None:
        place = f"authority:{city.authority.pk}"
        ada.post("/intent/", {"key": "wifis", "everywhere": place, "value": f"Schule | sae-mixed | lan | {KEY}"})

        assert intent.render(city.access_point_a).values["wifis"][0]["psk"] == KEY
        assert Baseline.objects.get().value is None
        page = shown(ada, "intent")
        assert "Schule (sae-mixed, lan)" in page
        assert KEY not in page

    @pytest.mark.parametrize(("key", "value"), [("ntp_servers", "a b"), ("country", "Germany"), ("wifis", "Schule")])
    def test_a_wrong_value_is_refused_and_stays_typed(self, ada: Client, city: City, key: str, value: str) -> None:
        answer = ada.post("/intent/", {"key": key, "everywhere": f"authority:{city.authority.pk}", "value": value})

        assert answer.status_code == 422
        assert value in answer.content.decode()
        assert not Baseline.objects.exists()

    def test_a_technician_sets_nothing(self, theo: Client, city: City) -> None:
        answer = theo.post("/intent/", {"key": "country", "everywhere": f"authority:{city.authority.pk}", "value": "DE"})

        assert answer.status_code == 404

    def test_another_citys_places_cannot_be_chosen(self, ada: Client) -> None:
        answer = ada.post("/intent/", {"key": "country", "everywhere": "authority:999999", "value": "DE"})

        assert answer.status_code == 422


def test_compliance_is_reported_by_site_and_exported_without_formulas(theo: Client, city: City, kept: Backup) -> None:
    Device.objects.filter(pk=kept.device_id).update(name="=1+1")
    drift.compare([kept.device_id])

    page, table = shown(theo, "compliance"), list(csv.reader(io.StringIO(shown(theo, "compliance-csv"))))

    assert "Schule A" in page
    assert "NET.2.1" in page
    mine = [row for row in table if row[1] == "'=1+1"]
    assert {row[4] for row in mine if row[2] == "NET.2.1"} == {"Verletzt", "Erfüllt"}, "the key has 19 characters"
    assert {row[4] for row in table if row[1] == "AP-204-B"} == {"Nicht bekannt"}
