"""The small pieces: what they say, and that nothing typed by people becomes markup."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.http import QueryDict
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from fleet.web.templatetags import pieces

NOW = datetime(2026, 11, 24, 10, 42, tzinfo=ZoneInfo("Europe/Berlin"))


def render(source: str, **context: object) -> str:
    return Template("{% load pieces %}" + source).render(Context(context))


@pytest.mark.parametrize("state", ["ok", "watch", "down", "unknown", "maintenance", "info"])
def test_a_state_is_told_by_icon_word_and_colour(state: str) -> None:
    made = render("{% pill state 'das Wort' %}", state=state)

    assert "<svg" in made
    assert "das Wort" in made
    assert f"pill-{state}" in made


def test_no_two_states_share_an_icon() -> None:
    assert len(set(pieces.STATE_ICONS.values())) == len(pieces.STATE_ICONS)


@pytest.mark.parametrize(("said", "state"), [("error", "down"), ("success", "ok"), ("nonsense", "info"), ("", "info")])
def test_other_words_for_states_are_understood(said: str, state: str) -> None:
    assert pieces.known_state(said) == state


@given(st.text(min_size=1, max_size=40))
def test_what_people_typed_is_text_in_every_piece(typed: str) -> None:
    hostile = f"<script>{typed}</script>"
    for source in (
        "{% pill 'ok' typed %}",
        "{% include 'web/pieces/facts.html' with items=items %}",
        "{% include 'web/pieces/diff.html' with text=typed title=typed %}",
        "{% include 'web/pieces/empty.html' with title=typed text=typed action_url=typed action_label=typed %}",
    ):
        assert "<script>" not in render(source, typed=hostile, items=[(hostile, hostile)])


@pytest.mark.parametrize(
    ("seconds", "german", "english"),
    [
        (-40, "vor 40 Sek.", "40 sec. ago"),
        (-240, "vor 4 Min.", "4 min. ago"),
        (-7_200, "vor 2 Std.", "2 hr. ago"),
        (-200_000, "vor 2 Tagen", "2 days ago"),
        (7_260, "in 2 Std.", "in 2 hr."),
        (-3_000_000, "20.10.2026", "10/20/2026"),
    ],
)
def test_how_long_ago_is_said_in_the_reader_s_language(seconds: int, german: str, english: str) -> None:
    for language, words in (("de", german), ("en", english)):
        with translation.override(language):
            said = pieces.since(NOW + timedelta(seconds=seconds), NOW)
        assert said.replace("hrs.", "hr.") == words


def test_a_time_carries_its_exact_instant() -> None:
    made = render("{% ago instant %}", instant=timezone.now() - timedelta(seconds=90))

    assert 'datetime="' in made
    assert "data-ago" in made
    assert render("{% ago None %}") == '<span class="none">–</span>'


def test_a_diff_marks_what_comes_and_what_goes() -> None:
    assert pieces.diff_lines("@@ x\n-a\n+b\n c") == [("place", "@@ x"), ("removed", "-a"), ("added", "+b"), ("same", " c")]


@given(st.lists(st.none() | st.floats(-1e9, 1e9), max_size=50))
def test_a_sparkline_stays_in_its_box(values: list[float | None]) -> None:
    for point in pieces.points(values).split():
        x, y = map(float, point.split(","))
        assert 0 <= x <= 100
        assert 0 <= y <= 30


def test_shares_add_up_even_of_nothing() -> None:
    assert (pieces.share(1, 4), pieces.share(0, 0)) == ("25.00", "0")


def test_a_link_keeps_the_rest_of_the_query() -> None:
    request = RequestFactory().get("/tickets/?state=new&page=3&q=a%26b")

    assert pieces.with_query(Context({"request": request}), page=4) == "?state=new&page=4&q=a%26b"
    assert pieces.with_query(Context({"request": request}), page="") == "?state=new&q=a%26b"


def test_a_live_log_renews_itself_and_not_the_piece_that_it_stands_in() -> None:
    """`hx-target` is inherited: without one of its own its lines would replace all of a change's progress."""
    source = '{% include "web/pieces/live_log.html" with live=True url="/log/" lines=lines %}'

    page = Template(source).render(Context({"lines": []}))

    assert 'hx-swap="innerHTML" hx-target="this"' in page


class Sieve(forms.Form):
    q = forms.CharField(required=False)
    state = forms.ChoiceField(required=False, choices=[("", "alle"), ("down", "still")])


class FromTheStart(Sieve):
    narrows = False


@pytest.mark.parametrize(
    ("query", "narrowed"), [("", False), ("q=&state=", False), ("page=3", False), ("q=a", True), ("state=nonsense", True)]
)
def test_a_filter_can_be_cleared_where_something_is_chosen(query: str, narrowed: bool) -> None:
    request = RequestFactory().get(f"/devices/?{query}")
    form = Sieve(QueryDict(query))

    page = render("{% include 'web/pieces/filters.html' %}", form=form, request=request)

    assert pieces.narrows(form) is narrowed
    assert ('href="/devices/"' in page) is narrowed
    assert "hx-" not in page


def test_a_filter_says_itself_what_narrows_its_list() -> None:
    assert not pieces.narrows(FromTheStart(QueryDict("q=a")))


def test_a_filter_that_follows_what_is_typed_swaps_its_list_and_keeps_the_order() -> None:
    context = {"form": Sieve(QueryDict("")), "request": RequestFactory().get("/devices/"), "sort": "-name"}

    page = render("{% include 'web/pieces/filters.html' with swaps='devices' %}", **context)

    assert 'hx-get="/devices/" hx-target="#devices"' in page
    assert '<input type="hidden" name="sort" value="-name">' in page
