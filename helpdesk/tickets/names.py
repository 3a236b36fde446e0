"""Names of files as whoever sends them calls them."""

import re
import unicodedata

LONGEST_NAME = 150


def clean_name(text: str) -> str:
    """What may be shown: no folders, no control and no direction-changing characters, not longer than a screen takes."""
    last = re.split(r"[\\/]", text)[-1]
    kept = "".join(one for one in last if unicodedata.category(one) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
    name = " ".join(kept.split()).strip(". ")
    if len(name) <= LONGEST_NAME:
        return name
    stem, dot, ending = name.rpartition(".")
    short = dot and len(ending) <= 10  # noqa: PLR2004  (an ending, not a sentence)
    return f"{stem[: LONGEST_NAME - len(ending) - 1]}.{ending}" if short else name[:LONGEST_NAME]
