"""Formatted text of mail and articles as it may be shown: sanitised each time, so a better sanitiser helps old ones."""

import re
from html import escape, unescape

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
DEEPEST = 200
"""Elements inside of each other; what is deeper is shown as plain text."""
VOID = frozenset({"br", "hr", "img"})
LEADING_ZEROS = re.compile(r"&#0++(?=[0-9])")
NO_CHARACTER = re.compile(r"&#[0-9]{8,}+;?")
"""More digits than any character has (Unicode ends at 1,114,111), and perhaps more than an integer may be read from."""
SIGNS = {"\ufdd0": "&", "\ufdd1": "<"}
"""No characters (Unicode, 23.7): they stand for those in a text while it is parsed, for references cost it time."""
STAND_INS = {ord(sign): stand_in for stand_in, sign in SIGNS.items()}
MARKUP = re.compile(
    r"""<!--.*?(?:-->|\Z)|<[!?][^>]*(?:>|\Z)|<(script|style)\b.*?(?:</\1[^<>]*+>|\Z)"""
    r"""|<(?P<slash>/?)(?P<tag>[a-z][^\s/<>]*+)(?P<rest>(?:[^<>"']|"[^"<]*"|'[^'<]*'|["'])*+)>""",
    re.DOTALL | re.IGNORECASE,
)
"""Linear: what is never closed goes to the end, or to the next `<`, and is not begun again."""
ATTRIBUTE = re.compile(
    r"""(?<![^\s/"'])(?P<name>[a-z]++)\s*+=\s*+(?P<value>"[^"]*"|'[^']*'|[^\s"'][^\s>]*)""", re.IGNORECASE
)
INLINE = frozenset(
    {"a", "abbr", "b", "cite", "code", "del", "em", "i", "ins", "q", "s", "small", "span", "strong", "sub", "sup", "u"}
)
CLOSES = {
    **dict.fromkeys(TAGS - INLINE - {"br", "img"}, frozenset({"p"})),
    "li": frozenset({"li", "p"}),
    **dict.fromkeys(("dt", "dd"), frozenset({"dt", "dd", "p"})),
    **dict.fromkeys(("td", "th"), frozenset({"td", "th", "p"})),
    "tr": frozenset({"tr", "td", "th", "p"}),
    **dict.fromkeys(("thead", "tbody", "tfoot"), frozenset({"thead", "tbody", "tfoot", "tr", "td", "th", "p", "caption"})),
    "a": frozenset({"a"}),
}
"""What may be left open, and ends where one of these begins (HTML, 13.1.2.4)."""


def sanitised(html: str) -> SafeString:
    rel = "noopener noreferrer nofollow"
    text = NO_CHARACTER.sub("\ufffd", LEADING_ZEROS.sub("&#", html.translate(dict.fromkeys(map(ord, SIGNS)))))
    clean = nh3.clean(
        _closed(text),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel=rel,
    )
    for stand_in, sign in SIGNS.items():
        clean = clean.replace(stand_in, escape(sign))
    return mark_safe(clean)  # noqa: S308  (what nh3 let through)


def _closed(html: str) -> str:
    """The known elements alone, each closed where it ends, and none too deep: an HTML parser takes time and memory for what
    is open, again for each element that comes (HTML, 13.2.4.3), so a small mail could hold up everybody. In one go, however
    broken it is; what this takes for text can no longer be anything else."""
    closer, place = _Closer(), 0
    for found in MARKUP.finditer(html):
        closer.text(html[place : found.start()])
        place = found.end()
        if tag := (found["tag"] or "").lower():
            closer.end(tag) if found["slash"] else closer.begin(tag, found["rest"])
    closer.text(html[place:])
    closer.end_all()
    return "".join(closer.pieces)


class _Closer:
    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.open: list[str] = []

    def text(self, text: str) -> None:
        self.pieces.append(unescape(text).translate(STAND_INS))

    def begin(self, tag: str, rest: str) -> None:
        if tag not in TAGS:
            return
        while ended := self._ended_by(tag):
            self.end(ended)
        if tag in VOID or len(self.open) < DEEPEST:
            self.pieces.append(f"<{tag}{_attributes(tag, rest)}>")
            if tag not in VOID:
                self.open.append(tag)

    def end(self, tag: str) -> None:
        """With all that stands open in it."""
        if tag not in self.open:
            return
        while (last := self.open.pop()) != tag:
            self.pieces.append(f"</{last}>")
        self.pieces.append(f"</{tag}>")

    def end_all(self) -> None:
        while self.open:
            self.end(self.open[-1])

    def _ended_by(self, tag: str) -> str:
        """The nearest open element that ends where `tag` begins; empty if there is none, or another stands around it."""
        may_end = CLOSES.get(tag)
        if not may_end:
            return ""
        around = next((one for one in reversed(self.open) if one in may_end or one not in INLINE), "")
        return around if around in may_end else ""


def _attributes(tag: str, rest: str) -> str:
    """Each once, as only its first value counts."""
    known = ATTRIBUTES.get(tag)
    if not known:
        return ""
    found = {one["name"].lower(): one["value"].strip("\"'") for one in reversed(list(ATTRIBUTE.finditer(rest)))}
    return "".join(f' {name}="{escape(unescape(value))}"' for name, value in found.items() if name in known)


def has_images(html: str) -> bool:
    return re.search(r"<img\b", html, re.IGNORECASE) is not None
