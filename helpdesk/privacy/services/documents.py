"""The same data for a program (JSON, complete) and for a person (PDF, the newest rows of each source)."""

import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any
from xml.sax.saxutils import escape

from django.utils import formats
from django.utils.translation import gettext as _
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer

from fleet.web.paper import BOLD, PLAIN, fonts
from helpdesk.privacy.rules.spellings import composed

ON_PAPER = 100
"""Rows of each source in the PDF; the JSON holds them all."""
LONGEST = 1500
"""Characters of one value on paper."""


@dataclass
class Chapter:
    """A section as it goes onto paper: the first and the last rows are the same thing to a reader, so the last are kept."""

    title: str
    source: str
    count: int = 0
    rows: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=ON_PAPER))

    def passing(self, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The rows themselves, remembered on the way."""
        for row in rows:
            self.count += 1
            self.rows.append(row)
            yield row


def write_json(out: IO[str], about: dict[str, Any], chapters: Iterable[tuple[Chapter, Iterable[dict[str, Any]]]]) -> None:
    """{about, sections: [{source, title, rows}]}, row by row: nothing is held in memory as a whole."""
    out.write(f'{{"about": {_json(about)}, "sections": [')
    for number, (chapter, rows) in enumerate(chapters):
        out.write(
            f'{"," if number else ""}\n{{"source": {_json(chapter.source)}, "title": {_json(chapter.title)}, "rows": ['
        )
        for index, row in enumerate(chapter.passing(rows)):
            out.write(f"{',' if index else ''}\n{_json(row)}")
        out.write("]}")
    out.write("\n]}\n")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def write_pdf(out: IO[bytes], heading: str, facts: list[str], chapters: Iterable[Chapter]) -> None:
    fonts()
    styles = _styles()
    small = ParagraphStyle("small", parent=styles["BodyText"], fontSize=8, leading=10, splitLongWords=1)
    story: list[Flowable] = [Paragraph(escape(composed(heading)), styles["Title"])]
    story += [Paragraph(escape(fact), styles["BodyText"]) for fact in facts]
    for chapter in chapters:
        story += _chapter(chapter, styles["Heading2"], small)
    margin = 18 * mm
    paper = SimpleDocTemplate(out, pagesize=A4, title=heading, leftMargin=margin, rightMargin=margin)
    paper.build(story, onFirstPage=_foot, onLaterPages=_foot)


def _styles() -> Any:
    """The usual ones, in a font that holds everybody's name."""
    styles: Any = getSampleStyleSheet()
    for one in styles.byName.values():
        if isinstance(one, ParagraphStyle):
            one.fontName = BOLD if "Bold" in one.fontName else PLAIN
    return styles


def _chapter(chapter: Chapter, heading: ParagraphStyle, small: ParagraphStyle) -> list[Flowable]:
    said = _("Source: %(source)s. Rows: %(count)s.") % {
        "source": chapter.source,
        "count": formats.number_format(chapter.count, force_grouping=True),
    }
    parts: list[Flowable] = [Paragraph(escape(chapter.title), heading), Paragraph(escape(said), small)]
    if chapter.count > len(chapter.rows):
        newest = _("These are the newest %(shown)s; all of them stand in the JSON file.") % {"shown": len(chapter.rows)}
        parts.append(Paragraph(escape(newest), small))
    for row in chapter.rows:
        parts += [Spacer(1, 2 * mm), Paragraph(_line(row), small)]
    return parts


def _line(row: dict[str, Any]) -> str:
    """Only what says something; text is data here, never markup."""
    parts = [
        f"<b>{escape(name)}</b>: {escape(_short(value))}" for name, value in row.items() if value not in (None, "", {}, [])
    ]
    return " · ".join(parts).replace("\n", "<br/>")


def _short(value: Any) -> str:
    if isinstance(value, dict) and value.keys() == {"id", "name"}:
        return str(value["name"])
    text = value if isinstance(value, str) else _json(value)
    text = "".join(one if one.isprintable() or one == "\n" else " " for one in composed(text))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def _foot(canvas: Any, paper: Any) -> None:
    canvas.setFont(PLAIN, 8)
    canvas.drawRightString(A4[0] - 18 * mm, 10 * mm, str(paper.page))
