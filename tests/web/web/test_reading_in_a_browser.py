"""What people read and press, with real layout: tables on a phone, long names on a desk, keys, what comes along."""

import re
from typing import Any

import pytest

from fleet.devices.models import Device
from fleet.monitoring.models import Alert, Health
from fleet.sites.models import Room
from tests.conftest import City
from tests.web.automation.conftest import add_run, make_change
from tests.web.conftest import Visit
from tests.web.monitoring.test_device_page import says
from tests.web.monitoring.test_pages import more_devices, silence
from tests.web.settled import SETTLED

pytestmark = pytest.mark.browser

SCROLLING = """[...document.querySelectorAll(".table-wrap")]
  .filter(wrap => wrap.scrollWidth > wrap.clientWidth + 1 || wrap.scrollHeight > wrap.clientHeight + 1)
  .map(wrap => wrap.getAttribute("aria-label") ?? wrap.getAttribute("aria-labelledby"))"""
BROKEN = """[...document.querySelectorAll(".table-cards tbody :is(th, td)")].flatMap(cell => {
  const words = [], texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), range = document.createRange();
  const hidden = () => texts.currentNode.parentElement.closest("details, .visually-hidden");
  while (texts.nextNode()) for (const word of hidden() ? [] : texts.currentNode.data.matchAll(/[\\p{L}\\d]{2,16}/gu)) {
    range.setStart(texts.currentNode, word.index);
    range.setEnd(texts.currentNode, word.index + word[0].length);
    const boxes = range.getClientRects(), edge = cell.closest(".table-wrap").getBoundingClientRect().right;
    if (boxes.length > 1 || [...boxes].some(box => box.right > edge + 1)) words.push(word[0]);
  }
  return words;
})"""
"""Words of cards that go over two lines or over the card's edge."""
LONG = "Zugangspunkt-Lehrerzimmer-Erweiterungsbau-Obergeschoss-Nord-Verteiler-17"


@pytest.mark.parametrize("width", [320, 375])
def test_no_table_of_a_device_scrolls_inside_of_its_card_on_a_phone(width: int, city: City, visit: Visit) -> None:
    ports = [{"ifIndex": n, "name": f"1/{n}", "alias": "Dose im Lehrerzimmer", "oper": "up"} for n in range(1, 40)]
    radios = [{"band": "5", "channel": 36, "clients": 14, "utilisation_percent": 40.0, "power_dbm": 18}]
    says(
        city.switch_a, interfaces=ports, wireless={"radios": radios}, cpu_percent=[3, 5],
        memory=[{"name": "Physical memory", "percent": 31.0, "total_bytes": 2**29}],
        temperatures_c=[{"name": "CPU", "value": 41.0}],
    )  # fmt: skip

    page = visit(f"/devices/{city.switch_a.pk}/", city.technician, width=width)

    assert page.get_by_text("18 dBm").is_visible()
    assert page.evaluate(SCROLLING) == []


@pytest.mark.parametrize("page", ["/devices/{device}/audit/", "/changes/{change}/devices/", "/approvals/", "/changes/"])
def test_no_word_of_a_card_is_broken_on_a_phone(page: str, city: City, visit: Visit) -> None:
    device = city.access_point_a
    change = make_change(device, city.technician, state="awaiting-approval", reason="Mathe-Abitur in Raum 204 am 30.11.")
    add_run(change, device, state="unreachable", message="ssh: connect to host 127.20.1.2 port 22: Connection timed out")

    shown = visit(page.format(device=device.pk, change=change.pk), city.administrator, width=375)

    assert shown.locator(".table-cards tbody th").count() == 1
    assert shown.evaluate(BROKEN) == []


def test_a_long_name_pushes_no_column_out_of_sight(city: City, visit: Visit) -> None:
    Device.objects.filter(pk=city.switch_a.pk).update(name=LONG)

    page = visit("/devices/", city.technician)

    assert page.get_by_role("link", name=LONG).is_visible()
    assert page.evaluate(SCROLLING) == []


def test_the_bar_for_many_comes_along_only_while_something_is_marked(city: City, visit: Visit) -> None:
    page = visit("/devices/", city.technician)
    bar = page.locator(".bulk-bar")
    position = "bar => getComputedStyle(bar).position"

    before = bar.evaluate(position)
    page.locator("tbody input[type=checkbox]").first.check()

    assert (before, bar.evaluate(position)) == ("static", "sticky")
    assert bar.locator("[data-count]").inner_text() == "1"


def test_the_keys_are_told_and_can_be_switched_off(city: City, visit: Visit) -> None:
    page = visit("/devices/", city.technician)
    focused = "document.activeElement.tagName"

    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Tasten").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert page.evaluate(focused) == "TR"

    page.get_by_role("button", name="Tasten").click()
    page.get_by_label("Diese Tasten in diesem Browser benutzen").uncheck()
    page.reload()
    page.keyboard.press("j")
    assert page.evaluate(focused) == "BODY"
    page.keyboard.press("?")
    assert not page.get_by_role("dialog", name="Tasten").is_visible()
    assert not visit.complaints


def test_a_fault_is_taken_by_a_key(city: City, visit: Visit) -> None:
    alert = silence(city.switch_a)
    page = visit("/faults/", city.technician)

    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.id") == f"row-{alert.pk}"
    with page.expect_navigation():
        page.keyboard.press("t")

    assert Alert.objects.get(pk=alert.pk).acknowledged_by == city.technician


def test_the_way_on_stays_at_the_thumb_however_many_rooms_there_are(city: City, visit: Visit) -> None:
    scope = {"authority_id": city.room_a.authority_id, "site_id": city.room_a.site_id}
    rooms = Room.objects.bulk_create(Room(building=city.building_a, number=f"R{n}", floor=0, **scope) for n in range(40))
    more_devices(city, 40)
    for device, room in zip(Device.objects.filter(name__startswith="AP-0"), rooms, strict=True):
        Device.objects.filter(pk=device.pk).update(room=room)
    Health.objects.update(status="up")

    page = visit("/report/", city.coordinator_a, width=375)

    box: Any = page.locator("#where .step-nav a").bounding_box()
    assert page.evaluate("document.documentElement.scrollHeight") > 2_000
    assert 0 < box["y"] < 800 - 64 - box["height"] + 1


def test_a_filter_swaps_its_list_while_one_types(city: City, visit: Visit) -> None:
    page = visit("/privacy/people/", city.administrator)

    page.get_by_label("Name oder Mailadresse").type(city.technician.email[:5])
    page.wait_for_url("**q=**")
    page.evaluate(SETTLED)

    assert page.locator("tbody tr").count() == 1
    assert page.locator("form.filters").count() == 1
    assert not visit.complaints


def test_what_cannot_be_kept_up_to_date_says_of_when_it_is(city: City, visit: Visit) -> None:
    page = visit("/faults/", city.technician)
    told = page.get_by_text("Es gibt keine Verbindung. Was hier steht, ist von")

    page.context.set_offline(True)
    told.wait_for(timeout=30_000)
    said = told.inner_text()
    page.context.set_offline(False)
    told.wait_for(state="detached", timeout=30_000)

    assert re.search(r"ist von \d{1,2}:\d\d", said), said
    assert told.count() == 0
