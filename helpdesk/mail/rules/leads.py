"""The line that a mail program puts above what it repeats: when that was written, and by whom."""

import re

BEGINS = re.compile(r"^[ \t]*(?:>[ \t]?)*(?=(?:Am|On|Le) )", re.MULTILINE)
"""Some programs put it into the quotation itself."""
MARKED = re.compile(r"\s*(?:>|\Z)")
LINES = 3
"""Into which it may be wrapped."""
LONGEST = 600
SENTENCES = tuple(
    re.compile(one)
    for one in (
        r"Am (?P<when>.+?) schrieb (?P<who>.+):",
        r"Am (?P<when>.+?) hat (?P<who>.+?)(?: Folgendes)? geschrieben ?:",
        r"(?:On|Le) (?P<when>(?P<who>.+?)) (?:wrote|a écrit) ?:",
    )
)
_MONTH = (
    r"(?:jan|feb|mär|mar|apr|mai|may|jun|jul|aug|sep|okt|oct|nov|dez|dec|janv|févr|fév|mars|avr|juin|juil|août|déc)"
    r"[a-zäéû]{0,6}\b"
)
_DATE = (
    r"\b\d{4}-\d{1,2}-\d{1,2}|\b\d{1,2}([./-])\s?\d{1,2}\1\s?(?:\d{4}|\d{2})?"
    rf"|\b\d{{1,2}}\.?\s?{_MONTH}\.?|\b{_MONTH}\.?\s\d{{1,2}}\b"
)
_TIME = r"\b\d{1,2}(?:[:h]\d{2}|\.\d{2}(?=\s?Uhr)|(?=\s?Uhr))"
_WEEKDAY = (
    r"\b(?:(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch|sonnabend|(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|(?:lun|mar|mercre|jeu|vendre|same)di|dimanche|mo|di|mi|do|fr|sa|so|mon|tue|wed|thu|fri|sat|sun"
    r"|lun|mar|mer|jeu|ven|sam|dim)\b"
)
_BESIDE = r"\b(?:um|uhr|den|dem|at|à|am|pm|nachm|vorm|mez|mesz|cet|cest|gmt|utc)\b|\([^()]*\)"
DATE, TIME, WEEKDAY = (re.compile(one, re.IGNORECASE) for one in (_DATE, _TIME, _WEEKDAY))
OF_TIME = re.compile(rf"{_DATE}|{_TIME}|{_WEEKDAY}|{_BESIDE}|\d+", re.IGNORECASE)
"""All that stands in such a line beside who wrote it."""
ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+")
LETTERS = re.compile(r"[^\W\d_]+")
IN_NAMES = frozenset(
    {"von", "van", "vom", "zu", "zur", "zum", "der", "den", "de", "du", "des", "la", "le", "of", "via", "per"}
)
SHORT = 2
"""Words of a name that may all be small: `theo`, `max muster`."""


def begin(text: str, most: int) -> int | None:
    """Where the first one stands, searched in `most` characters. People begin sentences in the same way: "Am Montag kam
    eine Meldung, und der Kollege schrieb:" is no such line."""
    return next((one.start() for one in BEGINS.finditer(text, 0, most) if _leads(text, one)), None)


def _leads(text: str, found: re.Match[str]) -> bool:
    lines = text[found.end() : found.end() + LONGEST].split("\n")[:LINES]
    last = next((number for number, line in enumerate(lines) if line.rstrip().endswith(":")), None)
    if last is None:
        return False
    end = found.end() + sum(len(line) + 1 for line in lines[: last + 1])
    said = " ".join(" ".join(line.lstrip(" \t>") for line in lines[: last + 1]).split())
    repeats = ">" in found.group() or MARKED.match(text, end) is not None
    return any(_tells(match, repeats=repeats) for one in SENTENCES if (match := one.fullmatch(said)))


def _tells(said: re.Match[str], *, repeats: bool) -> bool:
    """`repeats`: lines with a `>` follow, or nothing; of what follows without them a whole line has to tell."""
    when, who = said["when"], said["who"]
    date, time, address = DATE.search(when), TIME.search(when), ADDRESS.search(who)
    dated = date or (time and WEEKDAY.search(when))
    apart = who == when or not LETTERS.search(OF_TIME.sub(" ", when))
    named = address or _is_name(LETTERS.findall(OF_TIME.sub(" ", who) if who == when else who))
    return bool(dated and apart and named and (repeats or (date and time and address)))


def _is_name(words: list[str]) -> bool:
    return 0 < len(words) <= SHORT or (bool(words) and all(not one.islower() or one in IN_NAMES for one in words))
