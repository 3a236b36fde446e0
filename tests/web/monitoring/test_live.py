"""What changes on the devices shows by itself on an open page."""

import pytest
from playwright.sync_api import expect

from fleet.monitoring.models import Alert
from tests.conftest import City
from tests.web.conftest import Visit
from tests.web.monitoring.test_pages import silence

pytestmark = pytest.mark.browser
SOON_MS = 15_000


def test_a_fault_appears_is_taken_and_goes_without_reloading(city: City, visit: Visit) -> None:
    page = visit("/faults/", city.technician, width=375)
    expect(page.get_by_text("Alles läuft.")).to_be_visible()
    page.evaluate("window.neverReloaded = true")

    alert = silence(city.switch_a)
    expect(page.get_by_role("link", name="SW-1-A")).to_be_visible(timeout=SOON_MS)
    assert page.evaluate("window.neverReloaded")

    page.get_by_role("button", name="Ich kümmere mich darum").click()
    expect(page.get_by_text("Theo kümmert sich darum")).to_be_visible()
    alert.refresh_from_db()
    assert alert.acknowledged_by == city.technician

    Alert.objects.filter(pk=alert.pk).update(closed_at=alert.opened_at)
    expect(page.get_by_text("Alles läuft.")).to_be_visible(timeout=SOON_MS)
