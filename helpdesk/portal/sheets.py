"""Labels as a PDF: drawn with reportlab."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from fleet.web.paper import BOLD, PLAIN, Box, fonts, qr
from helpdesk.portal.rules.labels import Sheet, places

SMALL_MM = 15.0
"""A label lower than this has room for the device, its room and the code alone."""
SMALLEST_PT = 3.5
LINE = 1.25


@dataclass(frozen=True)
class Printed:
    """What stands on one label."""

    link: str
    name: str
    place: str
    code: str


def pdf(labels: Sequence[Printed], sheet: Sheet, *, first: int = 1, title: str, hint: str) -> bytes:
    """`first`: the first free place of a sheet begun before; `hint`: what to do, on labels with room for it."""
    fonts()
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(sheet.page[0] * mm, sheet.page[1] * mm), pageCompression=1)
    canvas.setTitle(title)
    canvas.setCreator("Fleetdesk")
    page_before = 0
    for label, (page, place) in zip(labels, places(sheet, first=first, count=len(labels)), strict=True):
        if page != page_before:
            canvas.showPage()
            page_before = page
        left, bottom = sheet.corner(place)
        _label(canvas, label, Box(left * mm, bottom * mm, sheet.size[0] * mm, sheet.size[1] * mm), hint)
    canvas.save()
    return file.getvalue()


def _label(canvas: Canvas, label: Printed, box: Box, hint: str) -> None:
    edge = min(box.height * 0.06, 3 * mm)
    side = min(box.height - 2 * edge, box.width * 0.5)
    qr(canvas, label.link, Box(box.left + edge, box.bottom + (box.height - side) / 2, side, side))
    left = box.left + side + 2 * edge
    text = Box(left, box.bottom + edge, box.left + box.width - edge - left, box.height - 2 * edge)
    name = _halves(label.name, text)
    lines = [*((BOLD, part, 1.0 if len(name) == 1 else 0.75) for part in name)]
    lines += [(PLAIN, label.place, 0.85), (PLAIN, label.code, 0.85)]
    if box.height > SMALL_MM * mm:
        lines.append((PLAIN, hint, 0.7))
    _text(canvas, lines, text)


def _text(canvas: Canvas, lines: list[tuple[str, str, float]], box: Box) -> None:
    """Lines from the top, each as large as its share of the height and the width allow."""
    size = min(box.height / (LINE * sum(share for _, _, share in lines)), 13.0)
    y = box.bottom + (box.height + LINE * size * sum(share for _, _, share in lines)) / 2
    for font, words, share in lines:
        y -= LINE * size * share
        fitting = _size(words, font, size * share, box.width)
        canvas.setFont(font, fitting)
        canvas.drawString(box.left, y + (LINE - 1) * size * share, _cut(words, font, fitting, box.width))


def _halves(name: str, box: Box) -> list[str]:
    """A long name as two lines, parted at a blank or a hyphen where there is one."""
    if pdfmetrics.stringWidth(name, BOLD, box.height / 6) < box.width:
        return [name]
    middle = len(name) // 2
    gaps = [place for place, letter in enumerate(name, start=1) if letter in " -" and place < len(name)]
    cut = min(gaps, key=lambda place: abs(place - middle), default=middle)
    return [name[:cut].strip(), name[cut:].strip()]


def _size(words: str, font: str, size: float, width: float) -> float:
    taken = pdfmetrics.stringWidth(words, font, size)
    return max(SMALLEST_PT, min(size, size * width / taken)) if taken else size


def _cut(words: str, font: str, size: float, width: float) -> str:
    if pdfmetrics.stringWidth(words, font, size) <= width * 1.001:
        return words
    kept = words
    while kept and pdfmetrics.stringWidth(f"{kept}…", font, size) > width:
        kept = kept[:-1]
    return f"{kept}…"
