"""How CommonMark becomes a piece of a page, and what keywords look like."""

import re

from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.token import Token

from fleet.web import formatted

MOST_TAGS = 12
LOWEST_HEADING = 6

_markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
"""No images: they would be asked for from somewhere else by everybody who reads. They become links."""


def rendered(text: str) -> SafeString:
    """HTML of CommonMark with tables. HTML in it is shown as text; what is left is cleaned as all formatted text is."""
    tokens = _markdown.parse(text)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(LOWEST_HEADING, int(token.tag[1]) + 1)}"  # the page's own title is the h1
        token.children = _with_words(token.children or [])
    for opening, inside, closing in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if opening.type == "th_open" and not inside.content.strip():
            opening.tag = closing.tag = "td"  # a table without a head has to be written with an empty one
    return formatted.sanitised(_markdown.renderer.render(tokens, _markdown.options, {}))


def _with_words(inline: list[Token]) -> list[Token]:
    """A link without words, as an image without a description becomes one, shows its address, so that it is noticed."""
    shown: list[Token] = []
    words = address = ""
    for token in inline:
        if token.type == "link_open":
            words, address = "", str(token.attrs["href"])
        words += token.content.strip()
        if token.type == "link_close" and not words:
            shown.append(Token("text", "", 0, content=address or "…"))
        shown.append(token)
    return shown


def excerpt(text: str, length: int = 160) -> str:
    """The first words without their marks."""
    plain = " ".join(re.sub(r"[#*_`>|\[\]]", " ", re.sub(r"\]\([^)]*\)", " ", text)).split())
    return plain if len(plain) <= length else plain[: length - 1].rsplit(" ", 1)[0] + "…"


def keywords(text: str) -> list[str]:
    """`WLAN, Drucker ,wlan` -> [drucker, wlan]"""
    said = {re.sub(r"\s+", " ", one).strip().lower()[:40] for one in re.split(r"[,;\n]", text)}
    return sorted(said - {""})[:MOST_TAGS]


def drafted(problem: str, solution: str, headings: tuple[str, str]) -> str:
    """What a ticket's words make of an article to begin with."""
    parts = zip(headings, (problem, solution), strict=True)
    return "\n\n".join(f"## {heading}\n\n{said.strip() or '…'}" for heading, said in parts)
