"""What of a query is kept, how numbers and MAC addresses are understood, how counts are summed."""

import pytest

from helpdesk.finding.counting import summed
from helpdesk.finding.in_tickets import match, numbers
from helpdesk.finding.rules import TooLongError, kept


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?state=all&page=3&q=WLAN", "state=all&q=WLAN"),
        ("state=&q=", ""),
        ("of=x&csrfmiddlewaretoken=geheim&site=4", "site=4"),
        ("q=a%26b%3D%22%3E%3Csvg%3E", "q=a%26b%3D%22%3E%3Csvg%3E"),
        ("X-Evil=1&__class__=2&q=%00", ""),
    ],
)
def test_what_is_kept(query: str, said: str) -> None:
    assert kept(query) == said


@pytest.mark.parametrize("query", ["q=" + "x" * 201, "&".join(f"{chr(97 + n)}=1" for n in range(21))])
def test_what_is_too_long_is_refused(query: str) -> None:
    with pytest.raises(TooLongError):
        kept(query)


@pytest.mark.parametrize(
    ("word", "found"),
    [("7", "F2026-000007"), ("f2025-000123", "F2025-000123"), ("wlan", "WLAN"), ("1234567", "1234567")],
)
def test_numbers_of_tickets(word: str, found: str) -> None:
    assert found in numbers(word, 2026)


def test_no_sign_means_anything_to_fts() -> None:
    assert match('a" OR b') == '"a"" OR b" *'


def test_counts_are_summed_along_each_dimension() -> None:
    found = summed(("state", "site"), [("new", 1, 2), ("open", 1, 3), ("open", 2, 5)])

    assert found.total == 10
    assert found.by == {"state": {"new": 2, "open": 8}, "site": {1: 5, 2: 5}}
