"""Pages that say no, which a walk along all addresses does not meet."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.conftest import City
from tests.web.conftest import Visit

pytestmark = pytest.mark.browser


def test_a_code_that_is_none_is_refused_without_complaints_of_axe(visit: Visit, city: City) -> None:
    page = visit("/scan/?code=xx", city.coordinator_a, width=375)

    assert page.locator("[role=alert]").inner_text() == "Das ist kein Code von einem Etikett. Er sieht so aus: 00A-7K."
    assert [one["id"] for one in Axe().run(page).response["violations"]] == []
