"""What is drawn on paper: embedded fonts, and QR codes (ISO/IEC 18004) made by segno and drawn with reportlab."""

from collections.abc import Iterable
from dataclasses import dataclass

import segno
import ttf_opensans
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

PLAIN, BOLD = "OpenSans-Regular", "OpenSans-Bold"
"""Embedded, so that every letter prints as it looks: those of all European languages in Latin, Greek and Cyrillic."""


@dataclass(frozen=True)
class Box:
    """A rectangle on the page, in points from the lower left."""

    left: float
    bottom: float
    width: float
    height: float


def fonts() -> None:
    """Make PLAIN and BOLD known to reportlab, and which is meant by <b> in a paragraph."""
    if BOLD in pdfmetrics.getRegisteredFontNames():
        return
    for name, font in ((PLAIN, ttf_opensans.OPENSANS_REGULAR), (BOLD, ttf_opensans.OPENSANS_BOLD)):
        pdfmetrics.registerFont(TTFont(name, str(font.path)))
    pdfmetrics.registerFontFamily(PLAIN, normal=PLAIN, bold=BOLD, italic=PLAIN, boldItalic=BOLD)


def qr(canvas: Canvas, text: str, box: Box, *, border: int = 2) -> None:
    """Runs of dark modules as rectangles. `border`: the quiet zone in modules; the standard wants four, edges count."""
    matrix = [list(row) for row in segno.make_qr(text, error="m").matrix_iter(border=border)]
    module = box.width / len(matrix)
    canvas.setFillGray(0)
    path = canvas.beginPath()
    for number, row in enumerate(matrix, start=1):
        for start, length in _runs(row):
            path.rect(box.left + start * module, box.bottom + box.height - number * module, length * module, module)
    canvas.drawPath(path, stroke=0, fill=1)


def _runs(row: Iterable[int]) -> list[tuple[int, int]]:
    """[(where it begins, how long)] of what is dark."""
    found: list[tuple[int, int]] = []
    for place, dark in enumerate(row):
        if not dark:
            continue
        if found and sum(found[-1]) == place:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((place, 1))
    return found
