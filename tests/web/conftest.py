"""Clients of the people whom the tests of pages and API need most, and a browser."""

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from fleet.people.models import User
from tests.conftest import City, login
from tests.web.settled import SETTLED

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page


@pytest.fixture
def anonymous() -> Client:
    return Client()


@pytest.fixture
def alma(city: City) -> Client:
    """The coordinator of school A, logged in."""
    return login(Client(), city.coordinator_a)


@pytest.fixture
def bruno(city: City) -> Client:
    """The coordinator of school B, logged in."""
    return login(Client(), city.coordinator_b)


@pytest.fixture
def theo(city: City) -> Client:
    """The technician of both schools, logged in."""
    return login(Client(), city.technician)


@pytest.fixture
def ada(city: City) -> Client:
    """The administrator of the city, logged in."""
    return login(Client(), city.administrator)


@pytest.fixture
def franka(city: City) -> Client:
    """The approver of the city, logged in."""
    return login(Client(), city.approver)


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """Debian's Chromium; tests that use it carry `@pytest.mark.browser`."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright, pytest.MonkeyPatch.context() as patched:
        patched.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's loop runs in this thread; Django shall not mind
        options: dict[str, Any] = {
            "executable_path": path,
            "args": ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        }
        chromium = playwright.chromium.launch(**options)
        yield chromium
        chromium.close()


CUT_OFF = """[...document.querySelectorAll(".pill")].filter(pill => {
  const box = pill.closest(".evidence, .card, .table-cards");
  return box && pill.getBoundingClientRect().right > box.getBoundingClientRect().right;
}).map(pill => pill.textContent.trim())"""
"""States that stand out of the box that holds them: there they are clipped, and nobody reads them."""


class Visit:
    """Opens pages as a person sees them, and remembers what the browser complained about."""

    def __init__(self, browser: "Browser", base: str) -> None:
        self._browser = browser
        self._base = base
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def __call__(
        self, path: str, user: User | None = None, *, width: int = 1280, scheme: str = "light", scripts: bool = True
    ) -> "Page":
        context = self._browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if scheme == "dark" else "light",
            locale="de-DE",
            java_script_enabled=scripts,
        )
        self._contexts.append(context)
        if user is not None:
            cookie = login(Client(), user).cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": cookie, "url": self._base}])
        page = context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(self._base + path)
        if scripts:
            page.evaluate(SETTLED)
        return page

    def _hear(self, message: "ConsoleMessage") -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def leave(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def visit(live_server: Any, browser: "Browser") -> Iterator[Visit]:
    """`visit("/devices/", city.technician, width=375)` -> a page of Playwright, logged in, against a real server."""
    visiting = Visit(browser, live_server.url)
    yield visiting
    visiting.leave()
