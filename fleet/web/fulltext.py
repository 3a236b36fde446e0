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

MOST_WORDS, MOST_TELLING = 8, 16
SHORTEST = 2
LESS_SAID = frozenset(
    re.findall(
        r"\w+",
        """
        aber alle allem allen aller alles als also am an ander andere anderem anderen anderer anderes anderm andern
        anderr anders auch auf aus bei bin bis bist da damit dann das dasselbe dazu daß dein deine deinem deinen
        deiner deines dem demselben den denn denselben der derer derselbe derselben des desselben dessen dich die
        dies diese dieselbe dieselben diesem diesen dieser dieses dir doch dort du durch ein eine einem einen einer
        eines einig einige einigem einigen einiger einiges einmal er es etwas euch euer eure eurem euren eurer eures
        für gegen gewesen hab habe haben hat hatte hatten hier hin hinter ich ihm ihn ihnen ihr ihre ihrem ihren
        ihrer ihres im in indem ins ist jede jedem jeden jeder jedes jene jenem jenen jener jenes jetzt kann kein
        keine keinem keinen keiner keines können könnte machen man manche manchem manchen mancher manches mein meine
        meinem meinen meiner meines mich mir mit muss musste nach nicht nichts noch nun nur ob oder ohne sehr sein
        seine seinem seinen seiner seines selbst sich sie sind so solche solchem solchen solcher solches soll sollte
        sondern sonst um und uns unse unsem unsen unser unses unter viel vom von vor war waren warst was weg weil
        weiter welche welchem welchen welcher welches wenn werde werden wie wieder will wir wird wirst wo wollen
        wollte während würde würden zu zum zur zwar zwischen über

        dass seit unsere the and for not our with is of to it
        """,
    )
)
"""What says nothing by itself. The first are those that PostgreSQL's German dictionary leaves out of its index (all of its
`german.stop`): looked for there, they are found nowhere."""
POLITE = frozenset(
    re.findall(
        r"\w+",
        """
        abend beste besten bitte damen danke dank frau freundliche freundlichen geehrte geehrter gruß grüße grüßen
        guten hallo herren herr herzliche herzlichen kollegen kolleginnen liebe lieber moin morgen schöne schönen
        servus viele vielen voraus

        dear hello kind please regards thanks thank
        """,
    )
)
"""How letters begin and end."""

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
    """What is looked for: quoted phrases and words, each once, in order, without those that say nothing.

    Where all of them do, they are looked for: somebody may be called so. No sign before a word means anything.
    """
    found = [phrase or word for phrase, word in re.findall(r'"([^"]+)"|(\S+)', re.sub(r"[\0<>]", " ", text))]
    said = [one.strip(" ,;!?\"'()[]-").lower() for one in found]
    whole = [one for one in said if len(one) >= SHORTEST and _parts(one)]
    return list(dict.fromkeys([one for one in whole if _parts(one) - LESS_SAID] or whole))[:MOST_WORDS]


def _parts(word: str) -> set[str]:
    """Of `a-b` and of a phrase, as an index takes them apart."""
    return set(re.findall(r"[^\W_]+", word))


def telling(text: str) -> list[str]:
    """The words of a longer text, for likeness: letters only, from four letters on. The last ones: people begin politely."""
    said = dict.fromkeys(re.findall(r"[^\W\d_]{4,}", text.lower()))
    return [word for word in said if word not in LESS_SAID | POLITE][-MOST_TELLING:]


def has_stems() -> bool:
    return connection.vendor == "postgresql"


def holding(rows: models.QuerySet[Row], word: str, *columns: str) -> models.QuerySet[Row]:
    """The rows that hold `word` (or the phrase) in one of `columns`, none of which may be NULL."""
    if not has_stems():
        return rows.filter(contains(word, *columns))
    query = SearchQuery(word, config="german", search_type="phrase")
    return cast("models.QuerySet[Row]", rows.alias(words=Vector(*columns)).filter(words=query))


def contains(word: str, *columns: str) -> Q:
    """Plain text, in any case: SQLite knows large and small letters of ASCII only, so umlauts are tried both ways."""
    forms = {word} if word.isascii() or has_stems() else {word, word.upper(), word.capitalize()}
    return any_of([Q(**{f"{column}__icontains": form}) for column in columns for form in sorted(forms)])


def any_of(conditions: Sequence[Q]) -> Q:
    return reduce(or_, conditions)
