"""Formatted text of mail and articles as it may be shown: sanitised each time, so a better sanitiser helps old ones."""

import re

import nh3
from django.utils.safestring import SafeString, mark_safe

TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "dd", "del", "div", "dl", "dt", "em", "h1", "h2", "h3",
    "h4", "h5", "h6", "hr", "i", "img", "ins", "li", "ol", "p", "pre", "q", "s", "small", "span", "strong", "sub", "sup",
    "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "img": {"alt"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}
"""No `src`: an image that is loaded tells its sender who read the mail, and when."""
SCHEMES = {"http", "https", "mailto", "tel"}


def sanitised(html: str) -> SafeString:
    rel = "noopener noreferrer nofollow"
    clean = nh3.clean(html, tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel=rel)
    return mark_safe(clean)  # noqa: S308  (what nh3 let through)


def has_images(html: str) -> bool:
    return re.search(r"<img\b", html, re.IGNORECASE) is not None
