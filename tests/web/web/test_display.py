"""What a person sets about how pages look, and the way through the areas, in a real browser."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.conftest import City
from tests.web.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

FEW = 7
"""Entries of the navigation that an administrator takes in at one glance."""


def row_height(page: Page) -> float:
    height: float = page.locator("tbody tr").first.evaluate("row => row.getBoundingClientRect().height")
    return height


def choose(page: Page, label: str) -> None:
    page.locator(".masthead details.menu > summary").last.click()
    page.get_by_role("button", name=label).click()


@pytest.mark.parametrize("scripts", [True, False], ids=["htmx", "plain"])
def test_rows_move_together_at_once_and_stay_so(city: City, visit: Visit, scripts: bool) -> None:
    page = visit("/devices/", city.technician, scripts=scripts)
    roomy = row_height(page)

    choose(page, "Kompakt")

    expect(page.locator("html")).to_have_attribute("data-density", "compact")
    assert page.url.endswith("/devices/")
    assert row_height(page) < roomy - 8
    page.wait_for_load_state("networkidle")
    page.reload()
    assert row_height(page) < roomy - 8
    assert not visit.complaints


def test_what_is_to_be_hit_in_a_compact_list_is_large_enough(city: City, visit: Visit) -> None:
    """WCAG 2.2, 2.5.8: 24 by 24 CSS pixels."""
    page = visit("/devices/", city.technician)
    choose(page, "Kompakt")

    boxes = page.locator("table .mark-box").evaluate_all("all => all.map(one => one.getBoundingClientRect())")

    assert boxes
    assert all(box["width"] >= 24 and box["height"] >= 24 for box in boxes)


@pytest.mark.parametrize("scripts", [True, False], ids=["htmx", "plain"])
@pytest.mark.parametrize("width", [375, 1280])
def test_every_area_is_reached_by_keyboard_and_marked(city: City, visit: Visit, width: int, scripts: bool) -> None:
    page = visit("/mail/", city.administrator, width=width, scripts=scripts)
    bar = page.locator(".thumb-bar" if width < 1000 else ".rooms")
    assert bar.locator("a").count() <= FEW
    expect(bar.locator("[aria-current]")).to_have_count(1)
    expect(bar.locator("[aria-current=true]")).to_contain_text("Verwaltung")
    parts = page.get_by_role("navigation", name="Verwaltung")
    unfold(parts)
    expect(parts.locator("[aria-current=page]:visible")).to_have_text("Mail")

    parts.get_by_role("link", name="Datenschutz").press("Enter")

    page.wait_for_url("**/privacy/")
    unfold(parts)
    expect(parts.locator("[aria-current=page]:visible")).to_have_text("Datenschutz")


def unfold(parts: Locator) -> None:
    """On the phone the row of a group's entries is folded."""
    if parts.locator("summary").is_visible():
        parts.locator("summary").press("Enter")
