"""How a city of 1,000 sites and 20,000 devices is shown, in a fixed number of queries."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.devices.models import Device
from fleet.monitoring.models import Alert, Health, Outage
from fleet.people.models import Scope
from fleet.sites.models import Site
from tests.conftest import City
from tests.web.monitoring.test_pages import answer, silence

SITES, DEVICES_EACH = 1_000, 20


def big_city(city: City) -> None:
    scopes = Scope.objects.bulk_create(
        [Scope(kind=Scope.Kind.SITE, name=f"Schule {n:04}", parent=city.authority.scope) for n in range(SITES)]
    )
    sites = Site.objects.bulk_create(
        Site(scope=scope, authority=city.authority, kind="school", name=f"Schule {n:04}", slug=f"s-{n}")
        for n, scope in enumerate(scopes)
    )
    kind = city.access_point_a.type
    devices = Device.objects.bulk_create(
        [
            Device(authority=city.authority, site=site, type=kind, kind=kind.kind, name=f"AP {n}")
            for site in sites
            for n in range(DEVICES_EACH)
        ],
        batch_size=2_000,
    )
    now = timezone.now()
    Health.objects.bulk_create(
        [
            Health(
                authority_id=device.authority_id,
                site_id=device.site_id,
                device=device,
                status="down" if n % 400 == 0 else "up",
                status_since=now - timedelta(hours=1),
                polled_at=now,
                answered_at=now,
                next_poll_at=now + timedelta(hours=1),
            )
            for n, device in enumerate(devices)
        ],
        batch_size=2_000,
    )


def test_a_thousand_sites_are_shown_in_a_fixed_number_of_queries(
    ada: Client, city: City, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    big_city(city)
    alert = silence(city.switch_b)
    Alert.objects.filter(pk=alert.pk).update(lessons_hit=8, rank=24_000_000)
    with django_assert_max_num_queries(13):
        page = ada.get(reverse("sites:list"))
    first, second = page.context["rows"][:2]
    assert (first[0].name, first[0].lessons) == ("Schule B", 8)
    assert (second[0].name, second[0].down) == ("Schule 0000", 1)
    assert len(page.context["rows"]) == 50
    lead = "51 von 20006 Geräten antworten nicht; betroffene Standorte: 51. Das trifft heute 8 Unterrichtsstunden."
    assert page.context["lead"] == lead
    assert {title: count for title, count, _url in page.context["quality"]}["Ohne Adresse"] == 20_000
    with django_assert_max_num_queries(10):
        found = ada.get(reverse("sites:list"), {"q": "schule 09", "state": "down"}, headers={"HX-Request": "true"})
    assert [site.name for site, _word in found.context["rows"]] == [f"Schule 09{n:02}" for n in range(0, 100, 20)]
    with django_assert_max_num_queries(9):
        listed = ada.get(reverse("devices:list"), {"state": "down", "sort": "-since"})
    assert listed.context["page"].paginator.count == 51


def test_the_trend_counts_what_was_silent_at_once(ada: Client, city: City) -> None:
    now = timezone.now()
    for device, hours in ((city.switch_a, 30), (city.switch_b, 30), (city.printer_a, 5)):
        Outage.objects.create(
            authority=city.authority,
            site=device.site,
            device=device,
            started_at=now - timedelta(hours=hours),
            ended_at=now - timedelta(hours=hours - 1),
        )
    page = ada.get(reverse("sites:list"))
    assert max(page.context["trend"]) == 2
    assert "höchstens 2 zugleich, jetzt 0." in page.content.decode()


def test_what_the_records_lack_leads_to_the_devices(ada: Client, theo: Client, alma: Client, city: City) -> None:
    Device.objects.filter(pk=city.printer_a.pk).update(room=None)
    answer(city.access_point_a)
    for _title, count, url in ada.get(reverse("sites:list")).context["quality"]:
        assert ada.get(url).context["page"].paginator.count == count
    listed = theo.get(reverse("devices:list"), {"lack": "no-room"}).context["rows"]
    assert [row["device"] for row in listed] == [city.printer_a]
    everything = alma.get(reverse("devices:list"), {"lack": "no-address"})  # not theirs to ask
    assert everything.context["page"].paginator.count == 3


def test_a_coordinator_sees_their_site_and_no_machinery(alma: Client) -> None:
    page = alma.get(reverse("sites:list"))
    assert [site.name for site, _word in page.context["rows"]] == ["Schule A"]
    assert "Was in den Daten fehlt" not in page.content.decode()


@pytest.mark.parametrize("query", ["state=nonsense", "kind=x", "page=99", "q=%00"])
def test_an_old_link_still_shows_the_list(ada: Client, query: str) -> None:
    assert ada.get(f"{reverse('sites:list')}?{query}").status_code == 200


def test_who_looks_after_a_few_schools_reads_of_them(ada: Client, theo: Client) -> None:
    assert "Wie es der Stadt geht" in ada.get(reverse("sites:list")).content.decode()
    page = theo.get(reverse("sites:list")).content.decode()
    assert "Ihre Schulen" in page
    assert "Wie es der Stadt geht" not in page
