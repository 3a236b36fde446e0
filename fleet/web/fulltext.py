"""Words that people type, and where rows hold them: PostgreSQL's full text with German stems, or plain text without it.

`Vector` is written exactly as the indexes are (`index_sql`): only then does PostgreSQL use them.
"""

import re
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any, TypeVar, cast

from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db import connection, models
from django.db.models import Func, Q

MOST_WORDS = 8
SHORTEST = 2
LESS_SAID = frozenset(
    re.findall(
        r"\w+",
        """aber als am an auch auf aus bei bin bis da das dass dem den der des die ein eine einem einen einer
        es für hat haben ich im in ist kein keine mit nach nicht noch nur oder seit sich sie sind so um und
        uns unser unsere vom von vor war was wenn wie wir wird zu zum zur the and for not our with is of to
        it""",
    )
)
"""What says nothing by itself; PostgreSQL's German dictionary leaves most of them out too."""

Row = TypeVar("Row", bound=models.Model)


class Vector(Func):
    """The stems of one or more columns that are never NULL."""

    template = "to_tsvector('german'::regconfig, %(expressions)s)"
    arg_joiner = " || ' ' || "
    output_field: Any = SearchVectorField()


def index_sql(name: str, table: str, *columns: str) -> str:
    """The index that `Vector` on the same columns uses."""
    joined = " || ' ' || ".join(f'"{column}"' for column in columns)
    return f'CREATE INDEX IF NOT EXISTS "{name}" ON "{table}" USING gin (to_tsvector(\'german\'::regconfig, {joined}))'


def words(text: str) -> list[str]:
    """What is looked for: quoted phrases and words, each once, in order, without those that say nothing."""
    found = [phrase or word for phrase, word in re.findall(r'"([^"]+)"|(\S+)', text.replace("\0", ""))]
    said = [one.strip(" ,;!?\"'()[]").lower() for one in found]
    telling = [one for one in said if len(one) >= SHORTEST and one not in LESS_SAID]
    return list(dict.fromkeys(telling))[:MOST_WORDS]


def telling(text: str) -> list[str]:
    """The words of a longer text, for likeness: letters only, from four letters on."""
    return [word for word in dict.fromkeys(re.findall(r"[^\W\d_]{4,}", text.lower())) if word not in LESS_SAID][:MOST_WORDS]


def has_stems() -> bool:
    return connection.vendor == "postgresql"


def holding(rows: models.QuerySet[Row], word: str, *columns: str) -> models.QuerySet[Row]:
    """The rows that hold `word` (or the phrase) in one of `columns`, none of which may be NULL."""
    if not has_stems():
        return rows.filter(contains(word, *columns))
    query = SearchQuery(f'"{word}"' if " " in word else word, config="german", search_type="websearch")
    return cast("models.QuerySet[Row]", rows.alias(words=Vector(*columns)).filter(words=query))


def contains(word: str, *columns: str) -> Q:
    """Plain text, in any case: SQLite knows large and small letters of ASCII only, so umlauts are tried both ways."""
    forms = {word} if word.isascii() or has_stems() else {word, word.upper(), word.capitalize()}
    return any_of([Q(**{f"{column}__icontains": form}) for column in columns for form in sorted(forms)])


def any_of(conditions: Sequence[Q]) -> Q:
    return reduce(or_, conditions)
