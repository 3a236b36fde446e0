"""The page of limits: what is measured here first, what differs marked, and the way back and forth again."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.devices.models import Device
from fleet.monitoring.models import Health, ThresholdOverride
from fleet.monitoring.services import history
from fleet.monitoring.services.history import NewSample
from tests.conftest import City
from tests.web.monitoring.test_pages import more_devices

WISH = {"open": "80", "clear": "70", "hold_min": "5", "severity": "critical"}


def said(device: Device, *names: str) -> None:
    """Its last poll brought these."""
    now = timezone.now()
    Health.objects.filter(pk=device.pk).update(status="up", answered_at=now)
    history.record(samples=[NewSample(device.pk, now, names, [1.0] * len(names))])


@pytest.fixture
def site(city: City) -> str:
    """The page of school A, where every device has said what it measures."""
    for device in city.school_a.devices.all():
        said(device, "uptime_s", "cpu_percent", "traffic_in_bps", "traffic_in_bps.3")
    said(city.access_point_a, "clients")
    return reverse("sites:limits", args=[city.school_a.pk])


def shown(client: Client, address: str, **query: str) -> tuple[list[str], list[str]]:
    """Names of the metrics that are in use, and of the folded rest."""
    context = client.get(address, query).context
    return [row["name"] for _, _, rows in context["chapters"] for row in rows], [row["name"] for row in context["rest"]]


def set_limit(client: Client, address: str, metric: str, **values: str) -> str:
    wish = {"metric": metric} | {f"{metric}-{name}": value for name, value in (WISH | values).items()}
    return client.post(address, wish).headers["Location"]


def test_what_is_measured_at_the_site_comes_first_and_the_rest_is_folded(theo: Client, site: str) -> None:
    used, rest = shown(theo, site)

    assert used == ["uptime_s", "cpu_percent", "clients", "traffic_in_bps"]
    assert {"supply_percent", "on_battery", "poe_power_w"} <= set(rest)
    page = theo.get(site).content.decode()
    assert page.index("Das Gerät selbst") < page.index("WLAN") < page.index("das hier nichts misst")


def test_who_was_silent_counts_as_its_kind(theo: Client, city: City, site: str) -> None:
    Health.objects.filter(pk=city.printer_a.pk).update(answered_at=None)
    used, rest = shown(theo, site)
    assert "supply_percent" in used
    assert "on_battery" in rest


def test_another_school_s_devices_say_nothing_here(theo: Client, city: City, site: str) -> None:
    said(city.switch_b, "poe_power_w")
    assert "poe_power_w" not in shown(theo, site)[0]


def test_only_what_differs_is_marked(theo: Client, city: City, site: str) -> None:
    assert "pill" not in theo.get(site).content.decode().partition("<main")[2]
    set_limit(theo, site, "on_battery", open="1", clear="0")

    assert "on_battery" in shown(theo, site)[0], "set here: no longer folded"
    main = theo.get(site).content.decode().partition("<main")[2]
    assert main.count("für diesen Standort eingestellt") == 1
    device = theo.get(reverse("devices:limits", args=[city.access_point_a.pk])).content.decode()
    assert "wie ausgeliefert" not in device


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"q": "prozessor"}, {"cpu_percent"}),
        ({"q": "toner"}, {"supply_percent"}),
        ({"own": "on"}, {"temperature_c"}),
        ({"kind": "no-such-kind"}, None),
        ({"q": "gibt es nicht"}, set()),
    ],
)
def test_a_search_finds_in_both_parts(theo: Client, site: str, query: dict[str, str], expected: set[str] | None) -> None:
    set_limit(theo, site, "temperature_c")
    if "q" in query and query["q"] == "toner":
        query = {"q": next(row["title"] for row in theo.get(site).context["rest"] if row["name"] == "supply_percent")}
    used, rest = shown(theo, site, **query)
    assert expected is None or {*used, *rest} == expected


def test_a_kind_narrows_to_what_it_may_measure(theo: Client, site: str) -> None:
    used, rest = shown(theo, site, kind="printer")
    assert "supply_percent" in rest
    assert "clients" not in used


def test_a_limit_taken_back_can_be_set_again(theo: Client, site: str) -> None:
    set_limit(theo, site, "temperature_c")
    before = ThresholdOverride.objects.values("open", "clear", "hold_s", "severity", "off").get()

    theo.post(site, {"metric": "temperature_c", "act": "default"})
    undo = theo.get(site).context["undo"]

    assert not ThresholdOverride.objects.exists()
    hidden = {field.html_name: "" if field.value() is None else str(field.value()) for field in undo["form"]}
    theo.post(site, {"metric": undo["name"], **hidden})
    assert ThresholdOverride.objects.values("open", "clear", "hold_s", "severity", "off").get() == before
    assert theo.get(site).context["undo"] is None, "said once"


def test_taking_back_what_was_off_is_undone_too(theo: Client, site: str) -> None:
    theo.post(site, {"metric": "cpu_percent", "cpu_percent-off": "on"})
    theo.post(site, {"metric": "cpu_percent", "act": "default"})
    undo = theo.get(site).context["undo"]
    hidden = {field.html_name: "" if field.value() is None else str(field.value()) for field in undo["form"]}

    theo.post(site, {"metric": "cpu_percent", **hidden})

    assert ThresholdOverride.objects.get().off


def test_a_second_click_takes_nothing_back(theo: Client, site: str) -> None:
    set_limit(theo, site, "temperature_c")
    for _ in range(2):
        theo.post(site, {"metric": "temperature_c", "act": "default"})

    answer = theo.get(site)

    assert answer.context["undo"]["name"] == "temperature_c", "still on offer"
    assert "Hier war nichts eingestellt." in answer.content.decode()


def test_the_offer_stays_on_its_page(theo: Client, city: City, site: str) -> None:
    set_limit(theo, site, "temperature_c")
    theo.post(site, {"metric": "temperature_c", "act": "default"})
    assert theo.get(reverse("sites:limits", args=[city.school_b.pk])).context["undo"] is None


def test_saving_leads_back_to_the_same_search(theo: Client, site: str) -> None:
    assert set_limit(theo, f"{site}?q=temp", "temperature_c") == f"{site}?q=temp#temperature_c"


def test_what_was_refused_is_not_hidden_by_the_search(theo: Client, site: str) -> None:
    answer = theo.post(f"{site}?q=prozessor", {"metric": "temperature_c", "temperature_c-open": "80"})
    assert answer.status_code == 422
    assert 'value="80"' in answer.content.decode()


def test_it_costs_the_same_however_many_devices_there_are(
    theo: Client, city: City, site: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    more_devices(city, 30)
    theo.get(site)
    with django_assert_max_num_queries(12):
        theo.get(site)
