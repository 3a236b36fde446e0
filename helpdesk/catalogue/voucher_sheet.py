"""A voucher for those who join a Wi-Fi, on a page (A4): name, key, and a QR code that telephones and tablets understand."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from segno.helpers import make_wifi_data

from fleet.secrets.types import Secret
from fleet.web.paper import BOLD, PLAIN, Box, fonts, qr

KEY_FONT = "Courier-Bold"
"""One of PDF's own fourteen: 0 and O, 1 and l look different in it."""
WIDTH, HEIGHT = A4
EDGE = 25 * mm
CODE = 110 * mm
QUIET = 4


@dataclass(frozen=True)
class Wifi:
    ssid: str
    key: Secret


@dataclass(frozen=True)
class Wording:
    """All that stands on it besides name and key, in the city's language."""

    title: str
    place: str
    name: str
    key: str
    how: Sequence[str]


def payload(wifi: Wifi) -> str:
    """What the code says: `WIFI:T:WPA;S:…;P:…;;`, the same for WPA2 and WPA3 (Wi-Fi Alliance, WPA3 specification, 7)."""
    return make_wifi_data(wifi.ssid, wifi.key.reveal(), "WPA")


def pdf(wifi: Wifi, wording: Wording) -> bytes:
    fonts()
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=A4, pageCompression=1)
    canvas.setTitle(wording.title)
    canvas.setCreator("Fleetdesk")
    y = HEIGHT - EDGE
    for font, size, words in (
        (BOLD, 26, wording.title),
        (PLAIN, 13, wording.place),
        (PLAIN, 12, wording.name),
        (BOLD, 30, wifi.ssid),
        (PLAIN, 12, wording.key),
        (KEY_FONT, 28, wifi.key.reveal()),
    ):
        y -= size * (1.9 if font == PLAIN else 1.35)
        _line(canvas, font, size, words, y)
    y -= CODE + 8 * mm
    qr(canvas, payload(wifi), Box((WIDTH - CODE) / 2, y, CODE, CODE), border=QUIET)
    for words in wording.how:
        y -= 18
        _line(canvas, PLAIN, 11, words, y)
    canvas.save()
    return file.getvalue()


def _line(canvas: Canvas, font: str, size: float, words: str, y: float) -> None:
    """Centred, and smaller where it would be wider than the page. Never cut: a part of a key opens nothing."""
    room = WIDTH - 2 * EDGE
    fitting = min(size, size * room / max(stringWidth(words, font, size), 1))
    canvas.setFont(font, fitting)
    canvas.setFillGray(0)
    canvas.drawCentredString(WIDTH / 2, y, words)
