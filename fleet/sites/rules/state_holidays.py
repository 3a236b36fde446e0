"""Public and school holidays of the German federal states, as the library `holidays` knows them.

Its categories: `public` (feast days by law), `catholic` (only in municipalities with a Catholic majority: Assumption in
Bavaria, Corpus Christi in parts of Saxony and Thuringia), `school` (what the states have agreed, a few years ahead).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from types import MappingProxyType

from holidays.countries.germany import Germany

NAMES = {code: name for name, code in Germany.subdivisions_aliases.items()}
USUALLY_CATHOLIC = frozenset({"BY"})
"""Where most municipalities keep the Catholic feast days of their state."""
REPENTANCE = "Buß- und Bettag"
REPENTANCE_BY_LAW = "SN"
SCHOOL_FREE_ON_REPENTANCE = "BY"
"""Bavaria's law on holidays (FTG Art. 4) frees the pupils on that day, though it is no public holiday."""
YEARS_BACK, YEARS_AHEAD = 2, 4
LANGUAGES = {"de": "de", "en": "en_US"}


@dataclass(frozen=True, slots=True)
class FreeSpan:
    """Whole days, both ends included."""

    name: str
    first_day: date
    last_day: date

    def touches(self, first: date, last: date) -> bool:
        return self.first_day <= last and self.last_day >= first


@lru_cache(maxsize=256)
def public(state: str, year: int, *, catholic: bool, language: str = "de") -> Mapping[date, str]:
    """{day: name} of the feast days around `year`."""
    categories = ("public", "catholic") if catholic else ("public",)
    return MappingProxyType(dict(_library(state, year, categories, language)))


@lru_cache(maxsize=256)
def school(state: str, year: int, language: str = "de") -> tuple[FreeSpan, ...]:
    """School holidays around `year`, in order, as the state has agreed on them."""
    return tuple(spans(_library(state, year, ("school",), language)))


@lru_cache(maxsize=256)
def free_for_pupils(state: str, year: int) -> tuple[FreeSpan, ...]:
    """Days around `year` on which the law itself frees pupils, whatever the school holidays are."""
    if state != SCHOOL_FREE_ON_REPENTANCE:
        return ()
    feasts = _library(REPENTANCE_BY_LAW, year, ("public",), "de")
    return tuple(FreeSpan(REPENTANCE, day, day) for day, name in sorted(feasts.items()) if name == REPENTANCE)


@lru_cache(maxsize=64)
def school_known_until(state: str, year: int) -> date | None:
    """The last day of the last school holidays that the library knows of, looking from `year`."""
    return max(_library(state, year, ("school",), "de"), default=None)


def catholic_applies(state: str, chosen: bool | None) -> bool:
    return state in USUALLY_CATHOLIC if chosen is None else chosen


def spans(days: Mapping[date, str]) -> Iterator[FreeSpan]:
    """Days in a row under the same name, as one span each."""
    begun: FreeSpan | None = None
    for day, name in sorted(days.items()):
        if begun and begun.name == name and (day - begun.last_day).days == 1:
            begun = FreeSpan(name, begun.first_day, day)
            continue
        if begun:
            yield begun
        begun = FreeSpan(name, day, day)
    if begun:
        yield begun


def _library(state: str, year: int, categories: Iterable[str], language: str) -> Mapping[date, str]:
    years = range(year - YEARS_BACK, year + YEARS_AHEAD + 1)
    return Germany(subdiv=state, years=years, categories=tuple(categories), language=LANGUAGES.get(language, "de"))
