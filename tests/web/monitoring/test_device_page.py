"""The page of a device, by kind, and what happened to it."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from fleet.automation.models import Change, Run
from fleet.devices.models import Device
from fleet.monitoring.models import Alert, Health, Outage, Trap
from fleet.monitoring.services import history
from fleet.monitoring.services import maintenance as maintaining
from fleet.monitoring.services.history import NewSample
from fleet.monitoring.services.maintenance import Planned
from helpdesk.tickets.models import Ticket
from tests.conftest import City
from tests.web.monitoring.test_pages import answer, silence
from tests.web.things import make_things

HOUR = timedelta(hours=1)
PORTS = [
    {"ifIndex": 1, "name": "1/1", "alias": "AP-204-A", "oper": "up", "admin": "up", "speed_bps": 1_000_000_000},
    {"ifIndex": 2, "name": "1/2", "alias": "Raum 205", "oper": "down", "admin": "up"},
    {"ifIndex": 3, "name": "1/3", "oper": "down", "admin": "up"},
]


def says(device: Device, **reading: Any) -> None:
    now = timezone.now()
    Health.objects.filter(pk=device.pk).update(
        status="up", answered_at=now, polled_at=now, status_since=now - HOUR, reading={"reachable": True} | reading
    )


def page_of(client: Client, device: Device, **query: str) -> Any:
    return client.get(reverse("devices:detail", args=[device.pk]), query)


class TestKinds:
    def test_an_access_point(self, theo: Client, city: City) -> None:
        radios = [{"band": "5", "channel": 36, "clients": 14, "utilisation_percent": 90.0, "power_dbm": 18}]
        says(city.access_point_a, wireless={"clients_by_ssid": {"Musterstadt-Schule": 14}, "radios": radios})
        said = page_of(theo, city.access_point_a).content.decode()
        for expected in ("5 GHz", "36", "90 %", 'class="bar-watch"', "Musterstadt-Schule", "18 dBm"):
            assert expected in said

    def test_a_printer_and_a_ups(self, theo: Client, city: City) -> None:
        ups = {"charge_percent": 40, "runtime_s": 1800, "load_percent": 24, "on_battery": True}
        says(city.printer_a, supplies=[{"name": "Black", "kind": "toner", "percent": 3}], ups=ups)
        said = page_of(theo, city.printer_a).content.decode()
        for expected in ("Black", "3 %", "aus der Batterie", "40 %", "30 Minuten"):
            assert expected in said

    def test_a_server(self, theo: Client, city: City) -> None:
        memory = [{"name": "/srv", "percent": 99.0, "total_bytes": 2 * 2**40}]
        says(city.printer_a, cpu_percent=[3, 5], memory=memory, temperatures_c=[{"name": "CPU", "value": 41.0}])
        said = page_of(theo, city.printer_a).content.decode()
        for expected in ("Prozessor 2", "/srv", "2 TiB", "99 %", "41 °C"):
            assert expected in said

    def test_a_controller_lists_its_access_points(self, theo: Client, city: City) -> None:
        Device.objects.filter(pk=city.access_point_a.pk).update(controller=city.switch_a)
        silence(city.access_point_a)
        shown = page_of(theo, city.switch_a).context["controlled"]
        assert [(one.name, word) for one, word in shown] == [("AP-204-A", "Antwortet nicht")]


class TestPorts:
    @pytest.fixture(autouse=True)
    def _ports(self, city: City) -> None:
        neighbours = [
            {"protocol": "lldp", "name": "AP-204-A", "port": "eth0", "local_ifIndex": 1},
            {"protocol": "lldp", "name": "fremd", "port": "7", "local_ifIndex": 2},
        ]
        poe = [{"ifIndex": 1, "admin": "on", "status": "deliveringPower", "power_w": 6.5}]
        says(city.switch_a, interfaces=PORTS, neighbours=neighbours, poe=poe)
        at = Health.objects.get(pk=city.switch_a.pk).answered_at
        assert at is not None
        history.record(samples=[NewSample(city.switch_a.pk, at, ("traffic_in_bps.1", "errors_per_s.1"), [4e6, 0])])

    def test_each_says_what_it_carries_and_what_hangs_on_it(self, theo: Client, city: City) -> None:
        page = page_of(theo, city.switch_a)
        first = page.context["ports"].rows[0]
        assert (first.name, first.alias, first.state, first.traffic_in, first.poe) == (
            "1/1",
            "AP-204-A",
            "ok",
            "4 Mbit/s",
            "6,5 W",
        )
        assert [one.device_id for one in first.hanging] == [city.access_point_a.pk]
        assert f"{reverse('devices:history', args=[city.switch_a.pk])}?element=interfaces.1" in page.content.decode()

    @pytest.mark.parametrize(
        ("show", "names"),
        [("all", ["1/1", "1/2", "1/3"]), ("up", ["1/1"]), ("problems", ["1/2"]), ("nonsense", ["1/1", "1/2", "1/3"])],
    )
    def test_they_are_filtered(self, theo: Client, city: City, show: str, names: list[str]) -> None:
        table = page_of(theo, city.switch_a, ports=show).context["ports"]
        assert [row.name for row in table.rows] == names
        assert [count for _value, _word, count in table.counts] == [3, 1, 1]

    def test_of_many_ports_those_that_are_up_are_shown_until_others_are_chosen(self, theo: Client, city: City) -> None:
        more = [{"ifIndex": n, "name": f"1/{n}", "oper": "down", "admin": "up"} for n in range(4, 30)]
        says(city.switch_a, interfaces=[*PORTS, *more])
        assert [row.name for row in page_of(theo, city.switch_a).context["ports"].rows] == ["1/1"]
        assert len(page_of(theo, city.switch_a, ports="all").context["ports"].rows) == 29

    def test_nothing_on_a_port_that_is_not_up_is_no_reading(self, theo: Client, city: City) -> None:
        at = Health.objects.get(pk=city.switch_a.pk).answered_at
        assert at is not None
        names = ("traffic_in_bps.1", "traffic_in_bps.2")
        city.switch_a.samples.all().delete()
        history.record(samples=[NewSample(city.switch_a.pk, at, names, [0, 0])])
        up, down, _third = page_of(theo, city.switch_a).context["ports"].rows
        assert (up.traffic_in, down.traffic_in) == ("0 bit/s", "–")

    def test_neighbours_are_linked_where_they_are_ours(self, theo: Client, city: City) -> None:
        page = page_of(theo, city.switch_a)
        ours, foreign = page.context["neighbours"]
        assert ours.device is not None
        assert ours.device.device_id == city.access_point_a.pk
        assert (foreign.name, foreign.device) == ("fremd", None)
        assert "keines von unseren" in page.content.decode()

    def test_the_way_up_says_the_port(self, theo: Client, city: City) -> None:
        ((above, word),) = page_of(theo, city.access_point_a).context["way_up"][0]
        assert (above.device.name, word) == ("SW-1-A", "Läuft")
        assert above.port


class TestOrder:
    """What is, what it means, what to do next: in the document too, as phones and screen readers read it."""

    def test_state_and_who_is_cut_off_come_before_what_can_be_done(self, theo: Client, city: City) -> None:
        silence(city.access_point_a, cause=silence(city.switch_a))
        page = page_of(theo, city.switch_a).content.decode()
        said = [
            page.index(text) for text in ("3 Abfragen in Folge", "weiteres abgeschnitten", "Jetzt abfragen", 'id="uplink"')
        ]
        assert said == sorted(said)
        assert "1 davon antwortet nicht." in page

    def test_who_cuts_off_nobody_says_nothing_of_it(self, theo: Client, city: City) -> None:
        assert "abgeschnitten" not in page_of(theo, city.printer_a).content.decode()

    def test_a_silent_device_says_of_when_its_values_are(self, theo: Client, city: City) -> None:
        says(city.access_point_a, cpu_percent=[3])
        assert "wurde zuletzt am" not in page_of(theo, city.access_point_a).content.decode()
        silence(city.access_point_a)
        assert "Was darunter steht, wurde zuletzt am" in page_of(theo, city.access_point_a).content.decode()

    def test_each_cell_carries_the_name_of_its_column(self, theo: Client, city: City) -> None:
        says(city.access_point_a, wireless={"radios": [{"band": "5", "channel": 36, "clients": 14}]})
        page = page_of(theo, city.access_point_a).content.decode()
        assert '<td class="nowrap" data-label="Kanal">36</td>' in page
        assert '<td class="nowrap" data-label="Leistung"><span class="none">–</span></td>' in page

    def test_a_fault_shows_what_the_device_hangs_on(self, theo: Client, alma: Client, city: City) -> None:
        alert = silence(city.access_point_a)
        address = reverse("devices:uplink", args=[city.access_point_a.pk])
        assert f'hx-get="{address}"' in theo.get(reverse("monitoring:alert", args=[alert.pk])).content.decode()
        assert "SW-1-A" in theo.get(address, headers={"HX-Request": "true"}).content.decode()
        assert "<html" in theo.get(address).content.decode()
        assert alma.get(address).status_code == 404


class TestSentences:
    def test_on_what_evidence(self, theo: Client, city: City) -> None:
        assert "Es wurde noch nicht gefragt." in page_of(theo, city.printer_a).content.decode()
        answer(city.switch_a)
        assert "auf SNMP geantwortet." in page_of(theo, city.switch_a).content.decode()
        silence(city.switch_a)
        said = page_of(theo, city.switch_a).content.decode()
        assert "3 Abfragen in Folge ohne brauchbare Antwort: Es antwortet nicht." in said

    def test_what_is_not_allowed_says_why(self, theo: Client, city: City) -> None:
        page = page_of(theo, city.switch_a)
        assert [act.label for act in page.context["acts"]] == ["Jetzt abfragen", "Grenzwerte", "Wartung planen"]
        assert {act.label for act in page.context["refused"]} == {"Ändern", "Zugang"}
        assert "Ihre Rolle an diesem Standort schließt das nicht ein." in page.content.decode()
        Device.objects.filter(pk=city.switch_a.pk).update(address=None)
        refused = {act.label: act.why_not for act in page_of(theo, city.switch_a).context["refused"]}
        assert refused["Jetzt abfragen"] == "es hat keine Adresse oder keine Zugangsdaten für SNMP."


class TestWhatHappened:
    def happened(self, city: City) -> Change:
        """One of each, to the access point."""
        device, now = city.access_point_a, timezone.now()
        things = make_things(device=device, owner=city.coordinator_a)
        Ticket.objects.get(pk=things.ticket.pk).devices.add(device)
        made = Change.objects.get(pk=things.change.pk)
        Run.objects.create(change=made, kind=Run.Kind.APPLY, attempt=9, started_at=now - 2 * HOUR)
        Trap.objects.create(device=device, source_address="127.20.1.2", oid="1.3.6.1.6.3.1.1.5.3", if_index=7)
        Outage.objects.create(
            authority=city.authority, site=city.school_a, device=device, started_at=now - 5 * HOUR,
            ended_at=now - 4 * HOUR, cause="own", reason="timeout",
        )  # fmt: skip
        Alert.objects.create(
            authority=city.authority, site=city.school_a, device=device, kind="unreachable", severity="critical",
            opened_at=now - 5 * HOUR, closed_at=now - 4 * HOUR, evidence_opened={"reason": "timeout"},
        )  # fmt: skip
        plan = Planned("site", now - 8 * HOUR, now - 7 * HOUR, "Umbau im Keller", site=city.school_a)
        maintaining.plan(authority_id=city.authority.pk, planned=plan, by=None)
        return made

    def test_every_room_tells_what_it_knows(self, theo: Client, city: City) -> None:
        self.happened(city)
        answered = theo.get(reverse("devices:happened", args=[city.access_point_a.pk]), headers={"HX-Request": "true"})
        entries = answered.context["entries"]
        kinds = {str(one.kind) for one in entries}
        assert {"Änderung", "Meldung", "Ausfall", "Störung", "Wartung", "Ticket"} <= kinds
        assert [one.at for one in entries] == sorted((one.at for one in entries), reverse=True)
        said = answered.content.decode()
        assert "Umbau im Keller" in said
        assert "Schweigt: antwortet nicht. Ursache: das Gerät selbst" in said
        assert "<html" not in said

    def test_marks_on_the_charts_are_numbered_and_named_in_a_table(self, theo: Client, city: City) -> None:
        self.happened(city)
        now = timezone.now()
        samples = [NewSample(city.access_point_a.pk, now - n * HOUR / 4, ("clients",), [n]) for n in range(1, 90)]
        history.record(samples=samples)
        answered = theo.get(reverse("devices:history", args=[city.access_point_a.pk]))
        drawn = answered.context["marks"]
        assert [one.mark.number for one in drawn] == list(range(1, len(drawn) + 1))
        assert [one.told.at for one in drawn] == sorted(one.told.at for one in drawn)
        assert "Meldung" not in {str(one.told.kind) for one in drawn}
        assert "Umbau im Keller" in answered.content.decode()

    def test_a_change_and_a_ticket_are_told_only_to_those_who_may_see_them(self, alma: Client, city: City) -> None:
        self.happened(city)
        assert alma.get(reverse("devices:happened", args=[city.access_point_a.pk])).status_code == 404
        assert Ticket.objects.exists()
