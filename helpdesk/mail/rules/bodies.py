"""What was written in a mail, apart from what it repeats of those before it."""

import re
from html.parser import HTMLParser
from itertools import takewhile

from helpdesk.mail.rules import leads

BLOCKS = frozenset(
    {"p", "div", "tr", "table", "ul", "ol", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "section"}
)
UNSEEN = frozenset({"script", "style", "head", "title", "template", "noscript", "object", "svg", "math"})
DEEPEST = 200_000
"""Characters in which the beginning of the repeated part is searched."""
SIGNATURE = "-- "
QUOTE_BEGINS, QUOTE_ENDS = "\ufdd0", "\ufdd1"
"""No characters (Unicode, 23.7): they stand for the edges of a quotation until its lines are known."""
DEEPEST_QUOTE = 10
INDENTED = re.compile(r"border(?:-left)?(?:-width|-style)?\s*:\s*(?:none|0)", re.IGNORECASE)
"""How programs move somebody's own text to the right: a block of quotation without a line beside it."""
MARKED = 3
"""One or two lines with a `>` before them may be a quotation in somebody's own text."""
LEADS = (
    r"-{2,}\s?(?:Original Message|Original-?Nachricht|Ursprüngliche Nachricht|Original Appointment)\s?-{2,}",
    r"-{2,}\s?(?:Forwarded message|Weitergeleitete Nachricht)\s?-{2,}",
    r"_{20,}\n\s*(?:Von|From|De)\s?: [^\n]+",
    r"(?:Von|From): [^\n]+\n(?:Gesendet|Sent|Datum|Date): [^\n]+\n(?:An|To|Betreff|Subject|Cc): ",
    r"(?:Gesendet|Sent): [^\n]+\n(?:Von|From): [^\n]+\n(?:An|To|Betreff|Subject|Cc): ",
)
"""Whole blocks; for single lines see `leads`."""
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
    block = QUOTED.search(text, 0, DEEPEST)
    found = (block.start() if block else None, leads.begin(text, DEEPEST), _marked_from(text))
    return min((one for one in found if one is not None), default=None)


def _marked_from(text: str) -> int | None:
    """Where the lines at the end begin that all have a `>` before them, if they are MARKED or more."""
    lines = text[:DEEPEST].rstrip().split("\n")
    above = len(lines)
    while above and lines[above - 1].lstrip(" \t").startswith(">"):
        above -= 1
    return sum(len(line) + 1 for line in lines[:above]) if len(lines) - above >= MARKED else None


def _answered_below(rest: str) -> bool:
    """Whether somebody wrote on under lines that begin with `>`; what they sign with is no answer."""
    lines = rest[:DEEPEST].split("\n")
    last = max((number for number, line in enumerate(lines) if line.lstrip().startswith(">")), default=None)
    below = [] if last is None else lines[last + 1 :]
    return any(line.strip() for line in takewhile(lambda line: line != SIGNATURE, below))


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
        self.quotes: list[bool] = []
        """Of each block of that name that is open, whether it repeats what somebody else wrote."""
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
            if tag == "blockquote":
                self._begin_quote(values)
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
            if tag == "blockquote" and self.quotes and self.quotes.pop():
                self.pieces += [QUOTE_ENDS, "\n"]
            self.pieces.append("\n\n" if tag == "p" else "\n")
            self.pre = max(0, self.pre - (tag == "pre"))
        elif tag == "a" and self.link:
            self._end_link()

    def _begin_quote(self, values: dict[str, str | None]) -> None:
        cited = (values.get("type") or "").lower() == "cite" or "quote" in (values.get("class") or "").lower()
        self.quotes.append(cited or not INDENTED.search(values.get("style") or ""))
        if self.quotes[-1]:
            self.pieces.append(QUOTE_BEGINS)

    def _end_link(self) -> None:
        address, start = self.link.pop()
        shown = "".join(self.pieces[start:]).strip()
        if address.startswith(("http://", "https://")) and address.rstrip("/") != shown.rstrip("/"):
            self.pieces.append(f" <{address}>")

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self.pieces.append(data if self.pre else re.sub(r"[ \t\r\n\f]+", " ", data))


def text_of_html(html: str) -> str:
    """Readable plain text, with a `>` before the lines of a quotation, as in one that was written without HTML. Never
    raises: what the parser gives up on is read as far as it got."""
    reader = _Reader()
    try:
        reader.feed(html.translate({ord(QUOTE_BEGINS): None, ord(QUOTE_ENDS): None}))
        reader.close()
    except (AssertionError, ValueError, RecursionError):
        pass
    return "\n".join(_lines("".join(reader.pieces).replace("\xa0", " "))).strip()


def _lines(text: str) -> list[str]:
    """No two blank ones one after the other."""
    lines: list[str] = []
    depth, above, blank = 0, 0, False
    for line in text.split("\n"):
        depth += line.count(QUOTE_BEGINS)
        said = _bare(line)
        if said.strip():
            lines += [_marked("", min(above, depth))] if blank else []
            lines.append(_marked(said, depth))
            above = depth
        blank = not said.strip()
        depth = max(0, depth - line.count(QUOTE_ENDS))
    return lines


def _bare(line: str) -> str:
    line = line.replace(QUOTE_BEGINS, "").replace(QUOTE_ENDS, "")
    return SIGNATURE if line.lstrip(" ") == SIGNATURE else line.strip(" ")


def _marked(said: str, depth: int) -> str:
    marks = ">" * min(depth, DEEPEST_QUOTE)
    return f"{marks} {said}" if marks and said else marks + said
