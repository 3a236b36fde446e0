"""Charts in a real browser: by keyboard, on the phone, and no complaint of axe or of the content policy."""

import math
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from fleet.monitoring import services
from fleet.monitoring.models import Alert
from fleet.monitoring.services import history
from fleet.monitoring.services.history import NewSample
from tests.conftest import City
from tests.web.conftest import Visit
from tests.web.monitoring.test_pages import answer, silence

pytestmark = pytest.mark.browser
NAMES = ("clients", "traffic_in_bps", "traffic_in_bps.1", "traffic_in_bps.2")


def a_week(city: City) -> None:
    answer(city.switch_a)
    now = timezone.now()
    history.record(
        samples=[
            NewSample(city.switch_a.pk, now - timedelta(minutes=5 * n + 1), NAMES, wave(n))
            for n in range(1, 2016)
            if not 100 < n < 140
        ]
    )
    alert = silence(city.switch_a)
    Alert.objects.filter(pk=alert.pk).update(opened_at=now - timedelta(minutes=700), closed_at=now - timedelta(minutes=500))
    services.roll_up()


def wave(n: int) -> list[float]:
    day = 1 + math.sin(n / 288 * 2 * math.pi)
    return [round(20 * day), 40e6 * day + n % 7 * 1e6, 30e6 * day, 10e6 * day + n % 7 * 1e6]


@pytest.mark.parametrize(("width", "scheme"), [(375, "dark"), (1280, "light")])
def test_a_history_is_clean_and_its_span_is_changed_by_keyboard(city: City, visit: Visit, width: int, scheme: str) -> None:
    a_week(city)
    page = visit(reverse("devices:detail", args=[city.switch_a.pk]), city.technician, width=width, scheme=scheme)
    expect(page.locator("#charts figure")).to_have_count(2)
    page.evaluate("window.neverReloaded = true")

    page.locator("#charts .tabs a", has_text="7 Tage").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#charts .tabs a[aria-current]")).to_have_text("7 Tage")
    page.locator("#charts figure summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#charts figure tbody tr").first).to_be_visible()
    page.locator("#id_element").select_option("interfaces.1")
    expect(page.locator("#charts figure")).to_have_count(1)

    assert page.evaluate("window.neverReloaded")
    assert not Axe().run(page).response["violations"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not [said for said in visit.complaints if "404 (Not Found)" not in said]
