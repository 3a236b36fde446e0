"""A User-Agent header in words that its owner recognises."""

import pytest

from fleet.people.browsers import browser_name

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0) {WEBKIT} Chrome/138.0 Safari/537.36 Edg/138.0", "Edge, Windows"),
        (f"Mozilla/5.0 (Linux; Android 15; Pixel 8) {WEBKIT} Chrome/138.0 Mobile Safari/537.36", "Chrome, Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5) Version/18.5 Mobile/15E148 Safari/604.1", "Safari, iPhone"),
        (f"Mozilla/5.0 (X11; CrOS x86_64) {WEBKIT} Chrome/138.0 Safari/537.36", "Chrome, ChromeOS"),
        ("Firefox/140.0", "Firefox"),
        ("python-httpx/0.28", ""),
        ("", ""),
    ],
)
def test_a_browser_is_named(user_agent: str, name: str) -> None:
    assert browser_name(user_agent) == name
