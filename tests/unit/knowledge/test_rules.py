"""What Markdown becomes, and what it never becomes."""

import pytest

from fleet.web import fulltext
from helpdesk.knowledge.rules import drafted, excerpt, keywords, rendered


def test_markdown_becomes_a_piece_of_a_page() -> None:
    html = rendered("# WLAN\n\n1. *aus*\n2. **an**\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")

    assert "<h2>WLAN</h2>" in html
    assert "<strong>an</strong>" in html
    assert "<td>1</td>" in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<svg onload=alert(1)>",
        "[x](javascript:alert(1))",
        "![x](https://elsewhere.example/pixel.png)",
        "<a href='data:text/html,x' onclick=x>y</a>",
        "[x](data:text/html;base64,eA==)",
    ],
)
def test_nothing_runs_and_nothing_is_loaded_from_elsewhere(text: str) -> None:
    html = rendered(text)

    assert not any(one in html for one in ("<script", "<svg", "<img", 'href="javascript', 'href="data', "<a href='data"))


def test_a_link_tells_nothing_of_where_it_was() -> None:
    assert 'rel="noopener noreferrer nofollow"' in rendered("[x](https://example.org)")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[](https://x.example)", "https://x.example"),
        ("[ ](https://x.example)", "https://x.example"),
        ("![](https://x.example/a.png)", "https://x.example/a.png"),
        ("[]()", "…"),
        ("[**WLAN**](https://x.example)", "<strong>WLAN</strong>"),
    ],
)
def test_every_link_says_something(text: str, said: str) -> None:
    assert f">{said}</a>" in rendered(text).replace("> ", ">")


def test_a_head_of_a_table_that_says_nothing_is_none() -> None:
    html = rendered("| | b |\n|---|---|\n| 1 | 2 |\n")

    assert "<td></td>\n<th>b</th>" in html


def test_keywords_are_small_sorted_and_once() -> None:
    assert keywords("WLAN, Drucker ,wlan;; ") == ["drucker", "wlan"]


def test_an_excerpt_has_no_marks_and_ends_at_a_word() -> None:
    assert excerpt("## Kopf\n\n*Text* mit [Link](https://x.example)") == "Kopf Text mit Link"
    assert excerpt("wort " * 50, 20).endswith("wort…")


def test_a_draft_has_a_place_for_what_is_missing() -> None:
    assert drafted("Geht nicht", "", ("A", "B")) == "## A\n\nGeht nicht\n\n## B\n\n…"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("der Drucker in der Aula", ["drucker", "aula"]),
        ('"kein Netz" Aula, AULA', ["kein netz", "aula"]),
        ("AP-204 \0 !", ["ap-204"]),
        ("a " * 50, []),
        ("Bild über HDMI", ["bild", "hdmi"]),
        ("-lampe AP-204-A --", ["lampe", "ap-204-a"]),
        ('"kein Netz" "ohne wieder" über: Netz', ["kein netz", "netz"]),
        ("<alma@schule.example> 123", ["alma@schule.example", "123"]),
        ("wieder & Über:", ["wieder", "über:"]),
        ("-> & … 🦊🦊", []),
    ],
)
def test_words_of_a_search(text: str, words: list[str]) -> None:
    assert fulltext.words(text) == words


def test_telling_words_of_a_text() -> None:
    assert fulltext.telling("Das WLAN geht nicht, in Raum 204!") == ["wlan", "geht", "raum"]
