"""Short names of schools, and numbers of rooms as people write them one after the other."""

import re
from collections.abc import Container
from itertools import chain, count

from django.utils.text import slugify

from fleet.people.rules import one_line

LONGEST_SLUG = 60
SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})


def free_slug(name: str, taken: Container[str]) -> str:
    """`Grundschule Süd` → `grundschule-sued`, or `grundschule-sued-2` where that is taken."""
    base = slugify(name.translate(SPELT_OUT))[: LONGEST_SLUG - 5].strip("-") or "school"
    return next(one for one in chain([base], (f"{base}-{n}" for n in count(2))) if one not in taken)


def room_numbers(text: str) -> list[str]:
    """`101, 102; 103` → each once, in their order; lines separate too."""
    return list(dict.fromkeys(number for part in re.split(r"[,;\t\r\n]", text) if (number := one_line(part))))
