"""Every page in a real browser: no complaint of the content policy or of axe, nothing to scroll sideways on a phone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from pytest_django import DjangoDbBlocker
from pytest_django.live_server_helper import LiveServer

from tests import database
from tests.conftest import City, login, make_city
from tests.web.addresses import NOT_OURS, Address, pages
from tests.web.conftest import CUT_OFF, Visit
from tests.web.things import Things, make_things

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

FRAGMENTS = {
    "automation:progress",
    "automation:log",
    "devices:now",
    "devices:uplink",
    "devices:history",
    "devices:happened",
    "web:design-log",
    "web:panel",
    "tickets:story",
    "site-names",
    "directory:places",
    "knowledge:suggestions",
    "tickets:bulk-progress",
}
"""Parts of pages, seen there."""
SHOWN = [
    address
    for address in pages()
    if address.method == "GET"
    and address.name not in FRAGMENTS
    and (not address.name.startswith(NOT_OURS) or address.name in {"account_login", "account_reset_password", "mfa_index"})
]
STRANGERS = {"account_login", "account_reset_password", "portal:scan", "portal:scanned"}
"""Seen by those who are not logged in."""
LOOKS = [(375, "dark"), (1280, "light")]


@dataclass(frozen=True)
class Standing:
    """A server, and what its pages show."""

    url: str
    city: City
    things: Things


@pytest.fixture(scope="module")
def standing(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Standing]:
    """Made once for all pages: looking at one changes nothing that another shows (`test_every_url.py`)."""
    with django_db_blocker.unblock():
        city = make_city()
        server = LiveServer("localhost")
        try:
            yield Standing(server.url, city, make_things(device=city.access_point_a, owner=city.coordinator_a))
        finally:
            server.stop()
            database.empty()


@pytest.fixture
def visit(standing: Standing, browser: "Browser") -> Iterator[Visit]:
    visiting = Visit(browser, standing.url)
    yield visiting
    visiting.leave()


@pytest.mark.parametrize("address", SHOWN, ids=str)
@pytest.mark.parametrize("who", ["coordinator_a", "administrator"])
def test_a_page_is_clean_on_the_phone_and_on_the_desk(address: Address, who: str, standing: Standing, visit: Visit) -> None:
    user = None if address.name in STRANGERS else getattr(standing.city, who)
    url = address.url(standing.things)
    answer = (login(Client(), user) if user else Client()).get(url, follow=True)
    if answer.streaming:
        answer.close()  # a file that nobody reads to its end
    if answer.status_code == 405 or not answer.headers["Content-Type"].startswith("text/html"):
        pytest.skip("takes forms, shows nothing")
    if answer.status_code in {403, 404} and address.name != "monitoring:faults":
        pytest.skip("not theirs: the page that says so is looked at once")
    for width, scheme in LOOKS:
        page = visit(url, user, width=width, scheme=scheme)
        found = [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in Axe().run(page).response["violations"]]

        assert not found, (width, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(CUT_OFF) == [], (width, scheme)
    assert not [said for said in visit.complaints if "404 (Not Found)" not in said], (
        "404: a panel that is not for this person"
    )


LISTS = (
    "devices:list", "sites:list", "tickets:tickets", "automation:changes", "automation:approvals", "automation:backups",
    "automation:compliance", "automation:policy", "automation:sources", "maintenance:list",
    "inventory:credentials", "mail:mails", "people:tokens", "places:list", "places:table", "places:table-new",
)  # fmt: skip
SCROLLING = """[...document.querySelectorAll(".table-wrap")].filter(one => one.scrollWidth > one.clientWidth + 1)
  .map(one => one.getAttribute("aria-label"))"""


@pytest.mark.parametrize("width", [800, 1024])
def test_no_list_scrolls_sideways_between_phone_and_desk(width: int, standing: Standing, visit: Visit) -> None:
    found = {address.name: address for address in SHOWN}
    for name in LISTS:
        page = visit(found[name].url(standing.things), standing.city.administrator, width=width)

        assert page.evaluate(SCROLLING) == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
