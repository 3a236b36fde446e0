"""A state can be read whole wherever it stands; out of the box that holds it, it would be clipped."""

import pytest

from fleet.automation.models import Change
from tests.conftest import City
from tests.web.conftest import CUT_OFF, Visit
from tests.web.things import make_things

pytestmark = pytest.mark.browser


def test_a_long_state_stands_inside_of_its_card(city: City, visit: Visit) -> None:
    change = make_things(device=city.access_point_a, owner=city.coordinator_a).change
    Change.objects.filter(pk=change.pk).update(state=Change.State.CONFIRMED)

    page = visit("/changes/", city.administrator, width=340)

    assert page.get_by_text("Erledigt und nachgemessen").last.is_visible()
    assert page.evaluate(CUT_OFF) == []


def test_evidence_can_be_read_where_there_is_little_room(visit: Visit) -> None:
    page = visit("/design/", width=320)
    page.evaluate("document.querySelectorAll('.evidence').forEach(card => { card.style.maxWidth = '14rem'; })")

    assert page.evaluate(CUT_OFF) == []
    assert page.evaluate("[...document.querySelectorAll('.evidence')].every(card => card.scrollWidth <= card.clientWidth)")
