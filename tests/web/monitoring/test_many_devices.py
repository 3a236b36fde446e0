"""The list of devices: sorted by column, and something done with many at once."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from fleet.devices import services as devices
from fleet.devices.models import Device
from fleet.monitoring.models import Health
from tests.conftest import City

BULK = "/devices/bulk/"


@pytest.fixture(autouse=True)
def _not_due(city: City) -> None:
    Health.objects.update(next_poll_at=timezone.now() + timedelta(hours=1))


def due() -> set[int]:
    return set(Health.objects.due(timezone.now()).values_list("pk", flat=True))


@pytest.mark.parametrize("sort", ["name", "since", "site", "room", "type", "address", "serial"])
def test_every_column_sorts_both_ways(theo: Client, sort: str) -> None:
    up = [row["device"].pk for row in theo.get(reverse("devices:list"), {"sort": sort}).context["rows"]]
    down = [row["device"].pk for row in theo.get(reverse("devices:list"), {"sort": f"-{sort}"}).context["rows"]]
    assert set(up) == set(down)
    page = theo.get(reverse("devices:list"), {"sort": sort, "kind": "switch"}).content.decode()
    assert 'aria-sort="ascending"' in page
    assert f"sort=-{sort}&amp;kind=switch" in page


def test_the_marked_ones_are_asked(theo: Client, city: City) -> None:
    theo.post(BULK, {"act": "ask", "device": [city.switch_a.pk, city.printer_a.pk]})
    assert due() == {city.switch_a.pk, city.printer_a.pk}


def test_everything_that_the_filter_leaves_is_asked(theo: Client, city: City) -> None:
    answered = theo.post(BULK, {"act": "ask", "all": "1", "query": "kind=switch&sort=name", "device": [city.printer_a.pk]})
    assert answered.url == f"{reverse('devices:list')}?kind=switch&sort=name"
    assert due() == {city.switch_a.pk, city.switch_b.pk}


def test_nobody_reaches_further_than_they_may(alma: Client, theo: Client, city: City) -> None:
    alma.post(BULK, {"act": "ask", "all": "1"})
    alma.post(BULK, {"act": "ask", "device": [city.switch_b.pk]})
    theo.post(BULK, {"act": "ask", "device": ["nonsense", "0"]})
    assert due() == set()


def test_maintenance_is_planned_for_those_of_one_site(theo: Client, city: City) -> None:
    here = theo.post(BULK, {"act": "plan", "device": [city.switch_a.pk, city.printer_a.pk]})
    form = theo.get(here.url).context["form"]
    assert form.initial["school"] == "Schule A"
    assert set(form.initial["devices"]) == {city.switch_a.pk, city.printer_a.pk}
    everywhere = theo.post(BULK, {"act": "plan", "all": "1", "query": "kind=switch"})
    assert everywhere.url.startswith(reverse("devices:list"))
    assert "Wählen Sie zuerst den Standort" in theo.get(everywhere.url).content.decode()


@pytest.mark.parametrize("hidden", ["A0002", "127.20.1.2"])
def test_what_is_not_shown_is_not_found_out_by_searching(alma: Client, theo: Client, city: City, hidden: str) -> None:
    """Serial number and address of the access point of school A: its coordinator is shown neither."""
    found = {who: client.get(reverse("devices:list"), {"q": hidden}) for who, client in (("alma", alma), ("theo", theo))}
    assert "AP-204-A" in found["theo"].content.decode()
    assert "AP-204-A" not in found["alma"].content.decode()
    assert "AP-204-A" in alma.get(reverse("devices:list"), {"q": "AP-204"}).content.decode()


def test_the_list_is_narrowed_to_a_manufacturer_by_whoever_knows_details(theo: Client, alma: Client, city: City) -> None:
    other = devices.ensure_type(manufacturer="Andere & Söhne", model="X", kind=city.printer_a.kind)
    Device.objects.filter(pk=city.printer_a.pk).update(type=other)
    answered = theo.get(reverse("devices:list"), {"make": "Andere & Söhne"})
    assert [row["device"] for row in answered.context["rows"]] == [city.printer_a]
    assert "Andere &amp; Söhne" in answered.content.decode()
    assert "Andere &amp; Söhne</option>" not in alma.get(reverse("devices:list")).content.decode()
    assert theo.get(reverse("devices:list"), {"make": "gibt es nicht"}).context["page"].paginator.count == 6
