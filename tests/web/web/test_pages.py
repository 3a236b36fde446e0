"""What holds for every page: the policy for scripts, error pages that help, panels that ask who is there."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client

from fleet.web import slots
from tests.conftest import City

ROOT = Path(__file__).parents[3]
TEMPLATES = [path for room in ("fleet", "helpdesk") for path in (ROOT / room).glob("**/templates/**/*.html")]


@pytest.fixture
def greeting() -> Iterator[None]:
    """A panel that only people who may see the site may see."""

    def context(user: Any, pk: int) -> dict[str, Any] | None:
        from fleet.sites.models import Site

        site = Site.objects.visible_to(user).filter(pk=pk).first()
        return None if site is None else {"items": [("Schule", site.name)]}

    slots.register("test", "greeting", slots.Panel(context, "web/pieces/facts.html"))
    yield
    slots._panels.pop("test")


def test_scripts_and_styles_come_from_here_alone(anonymous: Client, db: None) -> None:
    policy = anonymous.get("/accounts/login/").headers["Content-Security-Policy"]

    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["script-src"] == "'self'"
    assert directives["style-src"] == "'self'"
    assert directives["default-src"] == "'none'"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_template_has_inline_style_or_script_or_foreign_addresses(path: Path) -> None:
    text = path.read_text()

    assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"|javascript:", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", text)
    assert not re.search(r"(?:src|href)=[\"'](?:https?:)?//", text)


def test_the_stylesheet_knows_no_colour_but_its_tokens() -> None:
    rules = (ROOT / "fleet/web/static/web/fleetdesk.css").read_text().split("/* --- ground")[1].split("@media print")[0]

    foreign = [line for line in rules.splitlines() if re.search(r"#[0-9a-f]{3,8}\b", line) and "light-dark(" not in line]
    assert not foreign


def test_a_wrong_address_gets_our_page_in_german(anonymous: Client, db: None) -> None:
    answer = anonymous.get("/nothing/here/")

    assert answer.status_code == 404
    assert "Hier ist nichts" in answer.content.decode()


def test_a_form_without_its_token_says_that_nothing_is_lost(city: City) -> None:
    client = Client(enforce_csrf_checks=True)

    answer = client.post("/account/display/", {"theme": "dark"})

    assert answer.status_code == 403
    assert "Ihre Eingaben sind noch da" in answer.content.decode()


def test_our_own_mistake_gets_a_page_too(city: City, alma: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("fleet.people.services.set_display", broken)
    alma.raise_request_exception = False

    answer = alma.post("/account/display/", {"theme": "dark"})

    assert answer.status_code == 500
    assert "Das war unser Fehler" in answer.content.decode()
    assert "secret detail" not in answer.content.decode()


def test_a_panel_is_a_fragment_for_htmx_and_a_page_without(alma: Client, city: City, greeting: None) -> None:
    address = f"/panels/test/greeting/{city.school_a.pk}/"

    fragment = alma.get(address, headers={"HX-Request": "true"}).content.decode()
    page = alma.get(address).content.decode()

    assert "Schule A" in fragment
    assert "<html" not in fragment
    assert "Schule A" in page
    assert "<html" in page


def test_a_panel_of_another_school_is_not_there(alma: Client, city: City, greeting: None) -> None:
    assert alma.get(f"/panels/test/greeting/{city.school_b.pk}/").status_code == 404


def test_a_panel_that_nobody_registered_is_not_there(alma: Client) -> None:
    assert alma.get("/panels/test/nothing/1/").status_code == 404


def test_health_is_told_to_strangers_without_detail(anonymous: Client, db: None) -> None:
    answer = anonymous.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_health_is_503_while_the_database_is_away(anonymous: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise DatabaseError("no route to db.internal")

    with monkeypatch.context() as patched:
        patched.setattr(connection, "cursor", away)
        answer = anonymous.get("/healthz")

    assert (answer.status_code, answer.json()) == (503, {"status": "unavailable"})


def test_an_address_that_only_takes_forms_says_so(theo: Client) -> None:
    answer = theo.get("/faults/1/acknowledge/")

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "Unter dieser Adresse gibt es keine Seite" in answer.content.decode()
