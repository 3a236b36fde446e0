"""Text in tables that spreadsheets open: it never becomes a formula (OWASP, CSV Injection)."""

import re

BEGINS_A_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
"""What spreadsheets take for a formula (in full width too), or cut off before they look."""
_PARTED = re.compile(
    r"""([;,\t\r\n]\ *+)  # where a spreadsheet may part the line, whatever it was told that parts it
    (?=[\ "]*+[=+\-@＝＋－＠])
    (?![\ "]*+[+\-][\d\ ()/.\-]*(?:[;,\t\r\n"]|$))  # a telephone number, an amount: nothing that reckons with others""",
    re.VERBOSE,
)


def cell(text: str) -> str:
    """An apostrophe goes before what begins a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(BEGINS_A_FORMULA) or text.startswith(BEGINS_A_FORMULA) else text


def csv_cell(text: str) -> str:
    """Also where the text itself would be parted: German spreadsheets part at semicolons what was parted at commas."""
    return cell(_PARTED.sub(r"\1'", text))
