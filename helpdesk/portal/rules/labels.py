"""Labels of devices: the short code that people can type, and where on a sheet each label lies."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's Base32: without I, L, O and U, which are taken for others."""
LOOKS_LIKE = str.maketrans("ILO", "110")
CHECK = 2
SHORTEST = 3
LONGEST_NUMBER = 10**15


def short_code(device_id: int) -> str:
    """ "00A-7K": the device's number and two digits against typing errors. No secret: it opens nothing by itself."""
    digits, rest = "", device_id
    while rest:
        rest, digit = divmod(rest, 32)
        digits = DIGITS[digit] + digits
    return f"{digits.rjust(SHORTEST, '0')}-{_check(device_id)}"


def device_of_code(text: str) -> int | None:
    """The device's number, from however it was typed; None for what cannot be a code."""
    typed = "".join(text.split()).replace("-", "").upper().translate(LOOKS_LIKE)
    number, check = typed[:-CHECK], typed[-CHECK:]
    if len(number) < SHORTEST or not set(typed) <= set(DIGITS):
        return None
    device_id = 0
    for digit in number:
        device_id = device_id * 32 + DIGITS.index(digit)
    return device_id if device_id < LONGEST_NUMBER and check == _check(device_id) else None


def _check(device_id: int) -> str:
    first, second = hashlib.sha256(str(device_id).encode()).digest()[:CHECK]
    return DIGITS[first % 32] + DIGITS[second % 32]


@dataclass(frozen=True)
class Sheet:
    """A sheet of labels; all lengths in millimetres. Its grid lies in the middle of the page."""

    page: tuple[float, float]
    size: tuple[float, float]
    columns: int = 1
    rows: int = 1
    pitch: tuple[float, float] = (0.0, 0.0)
    """From one label's edge to the same edge of the next."""

    @property
    def places(self) -> int:
        return self.columns * self.rows

    def corner(self, place: int) -> tuple[float, float]:
        """The lower left corner of the label at `place`, counted by rows from the upper left, from 0."""
        row, column = divmod(place, self.columns)
        left = (self.page[0] - self.size[0] - (self.columns - 1) * self.pitch[0]) / 2
        top = (self.page[1] - self.size[1] - (self.rows - 1) * self.pitch[1]) / 2
        return left + column * self.pitch[0], self.page[1] - top - row * self.pitch[1] - self.size[1]


A4 = (210.0, 297.0)
SHEETS: Mapping[str, Sheet] = {
    "middle": Sheet(A4, (63.5, 33.9), columns=3, rows=8, pitch=(66.04, 33.9)),
    "small": Sheet(A4, (25.4, 10.0), columns=7, rows=27, pitch=(27.9, 10.0)),
    "large": Sheet((100.0, 62.0), (100.0, 62.0)),
}
"""As Avery's L4773 and L4731 lie on their sheets, and one label a page for label printers."""


def places(sheet: Sheet, *, first: int, count: int) -> Iterator[tuple[int, int]]:
    """(page, place) for each of `count` labels; `first`: the place of the first one on a sheet begun before, from 1."""
    for number in range(first - 1, first - 1 + count):
        yield divmod(number, sheet.places)
