"""A device's, a site's and the city's page with something on them, in a real browser."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import expect

from fleet.monitoring.models import Alert
from tests.conftest import City
from tests.web.conftest import Visit
from tests.web.monitoring.test_device_page import PORTS, says
from tests.web.monitoring.test_history import a_week
from tests.web.monitoring.test_pages import silence

pytestmark = pytest.mark.browser
LOOKS = pytest.mark.parametrize(("width", "scheme"), [(375, "dark"), (1280, "light")])


def busy(city: City) -> None:
    a_week(city)
    Alert.objects.filter(closed_at__isnull=True).delete()
    says(city.printer_a, supplies=[{"name": "Black", "kind": "toner", "percent": 3}], ups={"charge_percent": 40})
    radios = [{"band": "5", "channel": 36, "clients": 14, "utilisation_percent": 90.0}]
    says(city.access_point_a, wireless={"clients_by_ssid": {"Musterstadt-Schule": 14}, "radios": radios})
    neighbours = [{"protocol": "lldp", "name": "AP-204-A", "port": "eth0", "local_ifIndex": 1}]
    says(city.switch_a, interfaces=PORTS, neighbours=neighbours, poe=[{"ifIndex": 1, "status": "deliveringPower"}])
    alert = silence(city.switch_b)
    Alert.objects.filter(pk=alert.pk).update(lessons_hit=8)


@LOOKS
def test_pages_are_clean(city: City, visit: Visit, width: int, scheme: str) -> None:
    busy(city)
    for address in (
        reverse("devices:detail", args=[city.switch_a.pk]),
        reverse("devices:detail", args=[city.access_point_a.pk]),
        reverse("devices:detail", args=[city.printer_a.pk]),
        reverse("devices:happened", args=[city.switch_a.pk]),
        reverse("sites:detail", args=[city.school_b.pk]),
        reverse("sites:list"),
        reverse("devices:list"),
    ):
        page = visit(address, city.administrator, width=width, scheme=scheme)
        found = [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in Axe().run(page).response["violations"]]
        assert not found, address
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
    assert not [said for said in visit.complaints if "404 (Not Found)" not in said]


def test_ports_are_filtered_and_opened_by_keyboard_without_reloading(city: City, visit: Visit) -> None:
    busy(city)
    page = visit(reverse("devices:detail", args=[city.switch_a.pk]), city.technician)
    expect(page.locator("#charts figure")).to_have_count(2)
    page.evaluate("window.neverReloaded = true")

    page.locator("#ports-problems").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#ports tbody tr")).to_have_count(1)
    page.locator("#ports-all").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#ports tbody tr")).to_have_count(3)
    page.locator("#ports tbody a", has_text="1/1").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#id_element")).to_have_value("interfaces.1")
    expect(page.locator("#charts figure")).to_have_count(1)

    assert page.evaluate("window.neverReloaded")


def test_devices_are_marked_and_opened_by_key(city: City, visit: Visit) -> None:
    page = visit(reverse("devices:list"), city.technician)
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert page.locator("tbody input:checked").count() == 2
    page.get_by_role("button", name="Jetzt abfragen").click()
    expect(page.get_by_text("2 Geräte werden jetzt gefragt.")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#identity")).to_be_visible()
