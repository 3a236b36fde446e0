"""Reporting on a phone: one question per screen, Back loses nothing, no script needed, keyboard alone."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from helpdesk.knowledge import services as knowledge
from helpdesk.knowledge.models import Article
from helpdesk.tickets.models import Ticket
from tests.conftest import City, login

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Route

pytestmark = pytest.mark.browser
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 50
PHONE: dict[str, Any] = {"viewport": {"width": 375, "height": 740}, "locale": "de-DE"}


@pytest.fixture(params=[False, True], ids=["without script", "with script"])
def phone(request: pytest.FixtureRequest, live_server: Any, browser: "Browser", city: City) -> "Iterator[Page]":
    context = browser.new_context(**PHONE, java_script_enabled=request.param)
    cookie = login(Client(), city.coordinator_a).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    page = context.new_page()
    page.goto(live_server.url + "/report/")
    yield page
    context.close()


def shown(page: "Page") -> list[str]:
    return [step.get_attribute("id") or "" for step in page.locator(".step").all() if step.is_visible()]


def test_one_question_after_the_other_and_back_loses_nothing(phone: "Page", city: City) -> None:
    assert shown(phone) == ["where"]
    phone.locator(f"#room-{city.room_a.pk}").check()
    phone.locator("#where .step-nav a").last.click()
    assert shown(phone) == ["which"]
    phone.locator("#which label", has_text="DR-204-A").click()
    phone.locator("#which .step-nav a").last.click()
    phone.locator("#trouble-printer").check()
    phone.locator("#what .step-nav a").last.click()
    assert shown(phone) == ["how"]
    phone.locator("#how textarea").fill("Zieht nicht ein.")

    for step in ("what", "which", "where"):
        phone.go_back()
        assert shown(phone) == [step]
    for _ in range(3):
        phone.go_forward()
    assert phone.locator("#how textarea").input_value() == "Zieht nicht ein."
    phone.locator("#how button").click()

    phone.wait_for_url("**/report/F*/")
    ticket = Ticket.objects.get()
    assert ticket.number in phone.locator("main").inner_text()
    assert (ticket.room, list(ticket.devices.all())) == (city.room_a, [city.printer_a])
    assert ticket.articles.get().body == "Zieht nicht ein."


def test_after_a_mistake_every_question_is_shown(phone: "Page") -> None:
    for step in ("where", "which", "what"):
        phone.locator(f"#{step} .step-nav a").last.click()
    phone.locator("#how textarea").fill("Es geht nicht.")

    phone.locator("#how button").click()

    assert shown(phone) == ["where", "which", "what", "how"]
    assert phone.locator("#how textarea").input_value() == "Es geht nicht."
    assert phone.locator("#where .errors").is_visible()


def test_by_keyboard_alone(phone: "Page", city: City) -> None:
    phone.locator("input[name=room]").first.focus()
    phone.keyboard.press("Space")
    for step, after in (("where", "which"), ("which", "what"), ("what", "how")):
        phone.locator(f"#{step} .step-nav a").last.focus()
        phone.keyboard.press("Enter")
        phone.keyboard.press("Tab")
        assert phone.locator(f"#{after} :focus").count() == 1, "the next Tab leads into the next question"
        if after == "what":
            phone.keyboard.press("Space")
    phone.locator("#how button").focus()
    phone.keyboard.press("Enter")

    phone.wait_for_url("**/report/F*/")
    assert Ticket.objects.get().room == city.room_a


@pytest.fixture
def pocket(live_server: Any, browser: "Browser", city: City) -> "Iterator[BrowserContext]":
    """Alma's phone, whose pages may be closed and opened again."""
    context = browser.new_context(**PHONE, base_url=live_server.url)
    cookie = login(Client(), city.coordinator_a).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    yield context
    context.close()


def begun(pocket: "BrowserContext", city: City, body: str) -> "Page":
    """A report about the printer, typed so far."""
    page = pocket.new_page()
    page.goto(f"/report/?device={city.printer_a.pk}#what")
    page.locator("#trouble-printer").check()
    page.locator("#what .step-nav a").last.click()
    page.locator("#how textarea").press_sequentially(body)
    return page


def test_without_a_signal_it_waits_and_is_sent_once_there_is_one(pocket: "BrowserContext", city: City) -> None:
    page = begun(pocket, city, "Im Keller.")
    page.locator(".draft-kept", has_text="als Entwurf gesichert").wait_for()
    pocket.set_offline(True)
    page.locator("#how button").click()
    page.locator("[data-offline]").wait_for(state="visible")
    page.close()  # the battery is empty
    pocket.set_offline(False)
    assert not Ticket.objects.exists()

    page = pocket.new_page()
    page.goto("/report/")

    page.wait_for_url("**/report/F*/")
    assert Ticket.objects.get().articles.get().body == "Im Keller."
    page.goto("/report/")
    assert page.locator("#how textarea").input_value() == "", "what is sent is forgotten"


def test_what_an_article_helped_with_is_neither_sent_nor_there_again(pocket: "BrowserContext", city: City) -> None:
    words = knowledge.Words("Drucker zieht nicht ein", "Papier glatt einlegen")
    public = Article.Visibility.PUBLIC
    article = knowledge.write(authority_id=city.authority.pk, words=words, visibility=public, author=city.technician)
    knowledge.publish(article=article)
    page = begun(pocket, city, "Drucker zieht nicht ein")
    page.locator(".suggestions details summary").first.click()
    page.locator(".suggestions details button").first.click()
    page.wait_for_url("**/knowledge/*/")

    page.goto("/report/")
    page.wait_for_timeout(1000)  # in which it would be sent

    assert not Ticket.objects.exists()
    assert page.locator("#how textarea").input_value() == ""


def test_a_report_with_a_picture_whose_answer_was_lost_is_one_ticket(pocket: "BrowserContext", city: City) -> None:
    page, picture = begun(pocket, city, "Im Keller."), {"name": "a.png", "mimeType": "image/png", "buffer": PNG}
    page.set_input_files("input[type=file]", files=[picture])

    def lose(route: "Route") -> None:
        """The server has it, its answer never comes."""
        if route.request.method == "POST":
            route.fetch(max_redirects=0)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/report/", lose)
    with page.expect_event("requestfailed"):
        page.locator("#how .form-actions button").click()
    page.close()
    assert Ticket.objects.get().articles.get().attachments.count() == 1

    page = pocket.new_page()
    page.goto("/report/")
    page.locator("[data-lacks-files]").wait_for()
    page.goto("/report/#how")
    assert page.locator("#how textarea").input_value() == "Im Keller."
    page.set_input_files("input[type=file]", files=[picture])
    page.locator("#how .form-actions button").click()
    page.wait_for_url("**/report/F*/")

    assert Ticket.objects.get().articles.get().attachments.count() == 1
