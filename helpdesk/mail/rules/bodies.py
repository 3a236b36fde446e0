"""What was written in a mail, apart from what it repeats of those before it."""

import re
from html.parser import HTMLParser

BLOCKS = frozenset(
    {"p", "div", "tr", "table", "ul", "ol", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "section"}
)
UNSEEN = frozenset({"script", "style", "head", "title", "template", "noscript", "object", "svg", "math"})
DEEPEST = 200_000
"""Characters in which the beginning of the repeated part is searched."""
SIGNATURE = "-- "
MARKED = 3
"""One or two lines with a `>` before them may be a quotation in somebody's own text."""
LEADS = (
    r"-{2,}\s?(?:Original Message|Original-?Nachricht|Ursprüngliche Nachricht|Original Appointment)\s?-{2,}",
    r"-{2,}\s?(?:Forwarded message|Weitergeleitete Nachricht)\s?-{2,}",
    r"Am [^\n]{4,200}(?:\n[^\n]{1,120})?schrieb[^\n]{0,200}(?:\n[^\n]{1,120})?:[ \t]*$",
    r"On [^\n]{4,200}(?:\n[^\n]{1,120})?wrote:[ \t]*$",
    r"Le [^\n]{4,200}(?:\n[^\n]{1,120})?a écrit\s?:",
    r"_{20,}\n\s*(?:Von|From|De)\s?: [^\n]+",
    r"(?:Von|From): [^\n]+\n(?:Gesendet|Sent|Datum|Date): [^\n]+\n(?:An|To|Betreff|Subject|Cc): ",
)
QUOTED = re.compile(r"^[ \t]*(?:" + "|".join(LEADS) + ")", re.MULTILINE)


def split_quoted(text: str) -> tuple[str, str]:
    """(what is new, what is repeated). Nothing is lost: put together they are the text.

    A mail that is nothing but a forwarded or repeated one has it as its own text. So has one that answers between the
    quoted lines: there the quoted ones are needed to understand it.
    """
    begin = _repeated_from(text)
    if begin is None or not text[:begin].strip() or _answered_below(text[begin:]):
        return text, ""
    return text[:begin], text[begin:]


def _repeated_from(text: str) -> int | None:
    lead, marked = QUOTED.search(text, 0, DEEPEST), _marked_from(text)
    return marked if lead is None else lead.start() if marked is None else min(lead.start(), marked)


def _marked_from(text: str) -> int | None:
    """Where the lines at the end begin that all have a `>` before them, if they are MARKED or more."""
    lines = text[:DEEPEST].rstrip().split("\n")
    above = len(lines)
    while above and lines[above - 1].lstrip(" \t").startswith(">"):
        above -= 1
    return sum(len(line) + 1 for line in lines[:above]) if len(lines) - above >= MARKED else None


def _answered_below(rest: str) -> bool:
    """Whether somebody wrote on under lines that begin with `>`."""
    lines = rest[:DEEPEST].split("\n")
    last = max((number for number, line in enumerate(lines) if line.lstrip().startswith(">")), default=None)
    return last is not None and any(line.strip() for line in lines[last + 1 :])


def unflowed(text: str, *, joins: bool) -> str:
    """`format=flowed` (RFC 3676): lines that go on are one again. `joins`: DelSp, the blank at the end is no part of it."""
    lines: list[str] = []
    goes_on: int | None = None
    for line in text.split("\n"):
        quoted = len(line) - len(line.lstrip(">"))
        said = line[quoted:].removeprefix(" ")
        flows = said.endswith(" ") and said != SIGNATURE
        piece = said[:-1] if flows and joins else said
        if goes_on == quoted and said != SIGNATURE:
            lines[-1] += piece
        else:
            lines.append(f"{'>' * quoted} {piece}" if quoted else piece)
        goes_on = quoted if flows else None
    return "\n".join(lines)


class _Reader(HTMLParser):
    """Text of HTML, line by line as one would read it; addresses of links behind their words."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.unseen = 0
        self.pre = 0
        self.quote = 0
        self.link: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in UNSEEN:
            self.unseen += 1
        elif tag == "br":
            self.pieces.append("\n")
        elif tag in BLOCKS:
            self.pieces.append("\n")
            self.pre += tag == "pre"
        elif tag == "li":
            self.pieces.append("\n- ")
        elif tag == "td":
            self.pieces.append(" ")
        elif tag == "a":
            self.link.append((values.get("href") or "", len(self.pieces)))
        elif tag == "img" and values.get("alt"):
            self.pieces.append(f"[{values['alt']}]")

    def handle_endtag(self, tag: str) -> None:
        if tag in UNSEEN:
            self.unseen = max(0, self.unseen - 1)
        elif tag in BLOCKS:
            self.pieces.append("\n\n" if tag == "p" else "\n")
            self.pre = max(0, self.pre - (tag == "pre"))
        elif tag == "a" and self.link:
            self._end_link()

    def _end_link(self) -> None:
        address, start = self.link.pop()
        shown = "".join(self.pieces[start:]).strip()
        if address.startswith(("http://", "https://")) and address.rstrip("/") != shown.rstrip("/"):
            self.pieces.append(f" <{address}>")

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self.pieces.append(data if self.pre else re.sub(r"[ \t\r\n\f]+", " ", data))


def text_of_html(html: str) -> str:
    """Readable plain text. Never raises: what the parser gives up on is read as far as it got."""
    reader = _Reader()
    try:
        reader.feed(html)
        reader.close()
    except (AssertionError, ValueError, RecursionError):
        pass
    text = "".join(reader.pieces).replace("\xa0", " ")
    lines = [line.strip(" ") for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
