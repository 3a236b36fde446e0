"""Faults, devices and sites: who sees what, in how many queries."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.devices import services as devices
from fleet.devices.models import Device
from fleet.monitoring.models import Alert, Health
from fleet.monitoring.services import history
from fleet.monitoring.services.history import NewSample
from fleet.monitoring.views import faults
from tests.conftest import City


def silence(device: Device, cause: Alert | None = None) -> Alert:
    now = timezone.now()
    Health.objects.filter(pk=device.pk).update(
        status="down", status_since=now, failures=3, failing_since=now, reason="timeout"
    )
    return Alert.objects.create(
        authority_id=device.authority_id,
        site_id=device.site_id,
        device=device,
        kind="unreachable",
        severity=Alert.Severity.CRITICAL,
        opened_at=now,
        suppressed_by=cause,
        evidence_opened={
            "measured_at": now.isoformat(),
            "reason": "timeout",
            "silent_since": now.isoformat(),
            "failed_polls": 3,
            "last_answered_at": None,
            "last_values": {"clients": 14},
            "behind": ["AP-204-A"],
        },
    )


def answer(device: Device) -> None:
    now = timezone.now()
    reading = {"reachable": True, "uptime_s": 90, "interfaces": [{"ifIndex": 1, "name": "eth0", "oper": "up"}]}
    Health.objects.filter(pk=device.pk).update(status="up", answered_at=now, polled_at=now, reading=reading)
    samples = [NewSample(device.pk, now - timedelta(minutes=5 * n), ("clients",), [10 + n]) for n in range(20)]
    history.record(samples=samples)


def titles(answered: Any) -> list[tuple[str, list[str]]]:
    return [(group, [one.title for one in charts]) for group, charts in answered.context["groups"]]


def more_devices(city: City, count: int) -> None:
    for n in range(count):
        details = devices.DeviceDetails(
            city.access_point_a.type, f"AP-{n:03}", room=city.room_a, address=f"127.20.1.{100 + n}"
        )
        devices.create_device(site=city.school_a, details=details)


class TestFaults:
    def test_all_is_well(self, theo: Client) -> None:
        assert "Alles läuft." in theo.get(reverse("monitoring:faults")).content.decode()

    def test_a_root_cause_stands_for_what_is_behind_it(self, theo: Client, city: City) -> None:
        silence(city.access_point_a, cause=silence(city.switch_a))
        page = theo.get(reverse("monitoring:faults")).content.decode()
        assert "1 Störung, nur deswegen schweigt 1 weiteres Gerät." in page
        assert "SW-1-A" in page
        assert page.count("<article") == 1

    def test_the_first_show_their_evidence_the_others_a_line(
        self, theo: Client, city: City, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        more_devices(city, 15)
        for device in Device.objects.filter(name__startswith="AP-0"):
            silence(device)
        page = theo.get(reverse("monitoring:faults")).content.decode()
        assert (page.count("<article"), page.count('<li>\n    <div class="card-head">')) == (12, 3)
        assert "15 Störungen" in page
        monkeypatch.setattr(faults, "SHOWN", 14)
        page = theo.get(reverse("monitoring:faults")).content.decode()
        assert "Mehr als 14 Störungen" in page
        assert "Es gibt weitere." in page

    def test_nothing_is_sent_while_nothing_changed(self, theo: Client, city: City) -> None:
        silence(city.switch_a)
        htmx = {"HX-Request": "true"}
        first = theo.get(reverse("monitoring:faults"), headers=htmx)
        mark = first.context["mark"]
        assert theo.get(reverse("monitoring:faults"), {"mark": mark}, headers=htmx).status_code == 204
        silence(city.access_point_b)
        assert theo.get(reverse("monitoring:faults"), {"mark": mark}, headers=htmx).status_code == 200

    def test_a_fault_is_taken_by_the_first_who_says_so(self, theo: Client, ada: Client, city: City) -> None:
        alert = silence(city.switch_a)
        address = reverse("monitoring:acknowledge", args=[alert.pk])
        assert theo.post(address, {"back": "faults"}).url == reverse("monitoring:faults")
        ada.post(address)
        alert.refresh_from_db()
        assert alert.acknowledged_by == city.technician

    def test_the_alert_says_why_it_is_suppressed_and_what_was_known(self, theo: Client, city: City) -> None:
        cause = silence(city.switch_a)
        alert = silence(city.access_point_a, cause=cause)
        page = theo.get(reverse("monitoring:alert", args=[alert.pk])).content.decode()
        assert reverse("monitoring:alert", args=[cause.pk]) in page
        assert "Verbundene Geräte" in page

    def test_polling_now_makes_the_device_due(self, theo: Client, city: City) -> None:
        Health.objects.update(next_poll_at=timezone.now() + timedelta(hours=1))
        theo.post(reverse("devices:poll", args=[city.switch_a.pk]))
        assert Health.objects.due(timezone.now()).get().device == city.switch_a


class TestDevices:
    @pytest.mark.parametrize("typed", ["AP-204-A", "a0002", "127.20.1.2", "0021.86b5", "00:21:86:B5:6E:10"])
    def test_search_finds_by_name_serial_address_and_mac(self, theo: Client, city: City, typed: str) -> None:
        devices.add_interface(device=city.access_point_a, details=devices.InterfaceDetails("eth0", 2, mac="0021.86b5.6e10"))
        found = theo.get(reverse("devices:list"), {"q": typed}).context["rows"]
        assert [row["device"] for row in found] == [city.access_point_a]

    def test_the_worst_comes_first_and_states_can_be_chosen(self, theo: Client, city: City) -> None:
        silence(city.printer_a)
        assert theo.get(reverse("devices:list")).context["rows"][0]["device"] == city.printer_a
        chosen = theo.get(reverse("devices:list"), {"state": "down"}).context["rows"]
        assert [row["device"] for row in chosen] == [city.printer_a]

    def test_an_old_link_with_a_nonsense_filter_still_shows_the_list(self, theo: Client) -> None:
        assert theo.get(reverse("devices:list"), {"site": "x", "state": "y", "page": "z"}).status_code == 200

    def test_a_coordinator_sees_the_lay_page_of_own_devices(self, alma: Client, city: City) -> None:
        silence(city.access_point_a)
        page = alma.get(reverse("devices:detail", args=[city.access_point_a.pk])).content.decode()
        assert "Wir haben es bemerkt" in page
        assert "127.20.1" not in page
        assert "127.20.1" not in alma.get(reverse("devices:list")).content.decode()

    def test_a_technician_sees_who_how_and_since_when(self, theo: Client, city: City) -> None:
        answer(city.access_point_a)
        page = theo.get(reverse("devices:detail", args=[city.access_point_a.pk])).content.decode()
        for expected in ("127.20.1.2", "A0002", "SW-1-A", "eth0", "Läuft"):
            assert expected in page

    def test_the_history_is_a_line_and_a_table(self, theo: Client, city: City) -> None:
        answer(city.access_point_a)
        page = theo.get(reverse("devices:history", args=[city.access_point_a.pk])).content.decode()
        assert "<polyline" in page
        assert "Als Tabelle" in page
        assert 'style="' not in page

    @pytest.mark.parametrize("span", ["24h", "7d", "1y", "", "nonsense"])
    def test_the_span_is_a_link_and_swaps_in_place(self, theo: Client, city: City, span: str) -> None:
        answer(city.access_point_a)
        silence(city.access_point_a)
        address = reverse("devices:history", args=[city.access_point_a.pk])
        page = theo.get(address, {"span": span}, headers={"HX-Request": "true"}).content.decode()
        assert page.count('aria-current="true"') == 1
        assert 'hx-get="/devices/' in page
        assert "1 Markierung in den Diagrammen" in page
        assert reverse("monitoring:alert", args=[Alert.objects.get().pk]) in page
        assert "<html" not in page

    def test_a_port_is_shown_by_itself(self, theo: Client, city: City) -> None:
        answer(city.switch_a)
        now = timezone.now()
        names = ("traffic_in_bps", "traffic_in_bps.1", "traffic_out_bps.1", "traffic_in_bps.2", "radio_clients.0")
        samples = [NewSample(city.switch_a.pk, now - timedelta(minutes=n, seconds=30), names, [1e6] * 5) for n in range(9)]
        history.record(samples=samples)
        address = reverse("devices:history", args=[city.switch_a.pk])
        shown = theo.get(address, {"element": "interfaces.1"})
        assert titles(shown) == [("Netz", ["Empfangen", "Gesendet"])]
        assert shown.context["form"].fields["element"].choices == [
            ("", "das Gerät als Ganzes"),
            ("wireless.radios.0", "Funkmodul 1"),
            ("interfaces.1", "Port 1 · eth0"),
            ("interfaces.2", "Port 2"),
        ]
        assert '<option value="interfaces.1" selected>' in shown.content.decode()
        assert titles(theo.get(address)) == [("WLAN", ["Verbundene Geräte"]), ("Netz", ["Empfangen"])]
        for nonsense in ("x", ".", "a.b.c", "interfaces.", "interfaces.999"):
            assert theo.get(address, {"element": nonsense}).status_code == 200


class TestScope:
    @pytest.mark.parametrize(
        "name", ["devices:detail", "devices:now", "devices:history", "monitoring:alert", "sites:detail"]
    )
    def test_of_another_school_there_is_nothing(self, alma: Client, bruno: Client, city: City, name: str) -> None:
        other = {"devices": city.access_point_b.pk, "sites": city.school_b.pk, "monitoring": silence(city.switch_b).pk}
        address = reverse(name, args=[other[name.partition(":")[0]]])
        assert alma.get(address).status_code == 404
        if name in {"devices:detail", "devices:now", "sites:detail"}:
            assert bruno.get(address).status_code == 200

    @pytest.mark.parametrize("name", ["devices:list", "sites:list"])
    def test_lists_hold_ones_own(self, alma: Client, name: str) -> None:
        page = alma.get(reverse(name)).content.decode()
        assert "Schule A" in page
        assert "Schule B" not in page

    @pytest.mark.parametrize("name", ["devices:poll", "monitoring:acknowledge"])
    def test_a_coordinator_may_not_act_on_devices(self, alma: Client, city: City, name: str) -> None:
        pk = silence(city.switch_a).pk if name == "monitoring:acknowledge" else city.switch_a.pk
        assert alma.post(reverse(name, args=[pk])).status_code == 404

    def test_faults_are_for_technicians(self, alma: Client) -> None:
        assert alma.get(reverse("monitoring:faults")).status_code == 404

    @pytest.mark.django_db
    @pytest.mark.parametrize("name", ["devices:list", "sites:list", "monitoring:faults"])
    def test_strangers_go_to_the_login(self, anonymous: Client, name: str) -> None:
        answered = anonymous.get(reverse(name))
        assert answered.status_code == 302
        assert answered.url.startswith("/accounts/login/")


class TestBudgets:
    """However many there are, a page costs the same."""

    @pytest.fixture(autouse=True)
    def _many(self, city: City) -> None:
        more_devices(city, 60)
        answer(city.access_point_a)
        silence(city.access_point_a, cause=silence(city.switch_a))
        silence(city.printer_a)

    @pytest.mark.parametrize(
        ("name", "queries"),
        [("devices:list", 9), ("sites:list", 13), ("monitoring:faults", 10)],
    )
    def test_lists(
        self, theo: Client, name: str, queries: int, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_max_num_queries(queries):
            theo.get(reverse(name))

    def test_pages(self, theo: Client, city: City, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
        alert = Alert.objects.filter(device=city.switch_a).get()
        for address, queries in (
            (reverse("devices:detail", args=[city.switch_a.pk]), 17),
            (reverse("devices:now", args=[city.switch_a.pk]), 7),
            (reverse("devices:history", args=[city.switch_a.pk]), 17),
            (reverse("devices:history", args=[city.access_point_a.pk]) + "?span=7d", 17),
            (reverse("devices:history", args=[city.access_point_a.pk]) + "?span=1y", 17),
            (reverse("devices:happened", args=[city.access_point_a.pk]), 15),
            (reverse("sites:detail", args=[city.school_a.pk]), 24),
            (reverse("monitoring:alert", args=[alert.pk]), 8),
        ):
            with django_assert_max_num_queries(queries):
                assert theo.get(address).status_code == 200
