"""What is drawn on paper: embedded fonts, and QR codes (ISO/IEC 18004) made by segno and drawn with reportlab."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import reportlab
import segno
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

PLAIN, BOLD = "Vera", "VeraBd"
"""Bitstream Vera, which comes with reportlab: embedded, so that every letter prints as it looks."""


@dataclass(frozen=True)
class Box:
    """A rectangle on the page, in points from the lower left."""

    left: float
    bottom: float
    width: float
    height: float


def fonts() -> None:
    """Make PLAIN and BOLD known to reportlab."""
    folder = Path(reportlab.__file__).parent / "fonts"
    for name in (PLAIN, BOLD):
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))


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
