"""Every page in a real browser: no complaint of the content policy or of axe, nothing to scroll sideways on a phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client

from tests.conftest import City, login
from tests.web.addresses import NOT_OURS, Address, make_things, pages
from tests.web.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

FRAGMENTS = {
    "automation:progress",
    "automation:log",
    "devices:now",
    "devices:history",
    "web:design-log",
    "web:panel",
    "tickets:story",
}
"""Parts of pages, seen there."""
SHOWN = [
    address
    for address in pages()
    if address.method == "GET"
    and address.name not in FRAGMENTS
    and (not address.name.startswith(NOT_OURS) or address.name in {"account_login", "account_reset_password", "mfa_index"})
]
LOOKS = [(375, "dark"), (1280, "light")]


@pytest.mark.parametrize("address", SHOWN, ids=str)
@pytest.mark.parametrize("who", ["coordinator_a", "administrator"])
def test_a_page_is_clean_on_the_phone_and_on_the_desk(address: Address, who: str, city: City, visit: Visit) -> None:
    things = make_things(device=city.access_point_a, owner=city.coordinator_a)
    user = None if address.name in {"account_login", "account_reset_password"} else getattr(city, who)
    url = address.url(things)
    answer = (login(Client(), user) if user else Client()).get(url, follow=True)
    if answer.status_code == 405 or not answer.headers["Content-Type"].startswith("text/html"):
        pytest.skip("takes forms, shows nothing")
    for width, scheme in LOOKS:
        page = visit(url, user, width=width, scheme=scheme)
        found = [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in Axe().run(page).response["violations"]]

        assert not found, (width, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not [said for said in visit.complaints if "404 (Not Found)" not in said], (
        "404: a panel that is not for this person"
    )
