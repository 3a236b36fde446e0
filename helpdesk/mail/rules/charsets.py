"""Bytes of a mail as text: as labelled when that is true, and otherwise as what they most probably are."""

import codecs
import re
from contextlib import suppress

NO_CHARSETS = frozenset({"unicode_escape", "raw_unicode_escape", "idna", "punycode", "undefined", "mbcs", "oem", "utf_7"})
"""Python knows these as encodings; a mail that names one would have its backslashes eaten (UTF-7: only when it says so)."""
OTHER_NAMES = {
    "gb2312": "gb18030", "gbk": "gb18030", "ks_c_5601-1987": "cp949", "x-sjis": "cp932", "x-gbk": "gb18030",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "euc-kr": "cp949", "big5": "big5hkscs",
    "iso-8859-8-i": "iso-8859-8", "x-mac-roman": "mac_roman", "macintosh": "mac_roman", "ansi": "cp1252",
    "x-ansi": "cp1252", "unicode": "utf-8", "utf8mb4": "utf-8", "unicode-1-1-utf-7": "utf-7",
}  # fmt: skip
C1 = re.compile(r"[\x80-\x9f]")
OF_WINDOWS = {"iso8859-2": "cp1250", "iso8859-7": "cp1253", "iso8859-9": "cp1254", "iso8859-13": "cp1257"}
"""Where ISO has control characters, Windows has its quotation marks: those of the same part of the world."""
JIS = re.compile(rb"\x1b(?:\$[@B]|\([BJ])")
MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
"""A byte order mark is believed before any label, as browsers do."""
WESTERN = bytes([*b"\t\n\r", *range(0x20, 0x7F)])
FORBIDDEN = re.compile("[\x00\ud800-\udfff]")
"""No database and no page takes these."""


def decoded(raw: bytes, label: str | None = None) -> str:
    """Never raises, loses no byte that could be read, and contains nothing that cannot be stored."""
    return storable(_decoded(raw, _codec(label)))


def storable(text: str) -> str:
    return FORBIDDEN.sub("\ufffd", text)


def _codec(label: str | None) -> str:
    name = (label or "").strip().strip("\"'").lower()
    name = OTHER_NAMES.get(name, name)
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError, UnicodeError):
        return ""
    known = info._is_text_encoding and info.name.replace("-", "_") not in NO_CHARSETS
    return info.name if known or name == "utf-7" else ""


def _decoded(raw: bytes, codec: str) -> str:
    mark = next((mark for mark in MARKS if raw.startswith(mark)), b"")
    if mark and not codec.startswith("utf-32"):
        raw, codec = raw[len(mark) :], MARKS[mark]
    if codec.startswith("utf-16"):
        codec = "" if _is_narrow(raw) else _order(raw) if codec == "utf-16" else codec
        return raw.decode(codec, "replace") if codec else _guessed(raw)
    if codec in {"", "ascii"}:
        return _guessed(raw)
    try:
        text = raw.decode(codec)
    except (UnicodeError, ValueError):
        if codec == "iso2022_jp" and JIS.search(raw):
            return _of_windows_in_japan(raw)
        return _damaged(raw, codec)
    if codec.startswith("iso8859-") and C1.search(text):  # as browsers do: these are never meant as control characters
        windows = OF_WINDOWS.get(codec, "cp1252")
        return C1.sub(lambda sign: sign.group().encode("latin-1").decode(windows, "replace"), text)
    return text.removeprefix("\ufeff")


def _of_windows_in_japan(raw: bytes) -> str:
    """ISO-2022-JP with letters that only Windows has: its pairs as those of cp932, for which the library knows them."""
    text, place, double = "", 0, False
    for mark in [*JIS.finditer(raw), None]:
        piece = raw[place : mark.start() if mark else None]
        text += (_shifted(piece) if double else piece).decode("cp932", "replace")
        if mark:
            place, double = mark.end(), mark.group().startswith(b"\x1b$")
    return text


def _shifted(jis: bytes) -> bytes:
    """JIS X 0208, annex 1: from the pairs of 7 bits to those of Shift_JIS. What is no pair stays."""
    pairs = zip(jis[::2], jis[1::2], strict=False)
    return b"".join(_pair(row, cell) for row, cell in pairs if min(row, cell) > ord(" ")) + jis[len(jis) // 2 * 2 :]


def _pair(row: int, cell: int) -> bytes:
    first = (row + 1) // 2 + (0x70 if row < 0x5F else 0xB0)  # noqa: PLR2004  (the standard's own numbers)
    second = cell + (0x1F if cell < 0x60 else 0x20) if row % 2 else cell + 0x7E  # noqa: PLR2004
    return bytes((first, second))


def _is_narrow(raw: bytes) -> bool:
    """Of what calls itself UTF-16, where half of Western letters is empty, and of Chinese at least its line ends are."""
    if b"\0" in raw:
        return False
    try:
        raw.decode("utf-8")
    except UnicodeError:
        return len(raw.translate(None, WESTERN)) < len(raw) / 8
    return True


def _order(raw: bytes) -> str:
    """Of UTF-16 without a mark: which half of its letters is empty; big first where nothing tells (RFC 2781, 4.3)."""
    return "utf-16-le" if raw[1::2].count(0) > raw[::2].count(0) else "utf-16-be"


def _guessed(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeError:
        return _western(raw)


def _damaged(raw: bytes, codec: str) -> str:
    """What has a few broken bytes stays what it says it is; what only says so is UTF-8, or what Windows writes."""
    with suppress(UnicodeError):
        return raw.decode("utf-8")
    text = raw.decode(codec, "replace")
    broken = text.count("\ufffd")
    whole = sum(1 for letter in text if ord(letter) > 127) - broken  # noqa: PLR2004  (ASCII)
    return text if whole > broken else _western(raw)


def _western(raw: bytes) -> str:
    return raw.decode("cp1252", "replace")
