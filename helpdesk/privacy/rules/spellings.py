"""In which ways a name is written: capitals, accents apart from their letters (Unicode TR15), in a file's name, in HTML."""

import html
import json
import re
import unicodedata
from collections.abc import Iterable

APART = r"[\s_\-]+"
"""What stands between the words of a name: also where a line ends, a blank that does not break, or in the name of a file."""
TURNED_APART = r"[\s_\-,]+"
"""The same where the family name comes first, as in lists: "Müller, Jürgen"."""
TELLING = 4
"""Letters of ASCII by which a name can be looked for."""
MARKS = "\u0300-\u036f"
TAG = re.compile(r"<[^>]*>")
UNSEEN = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")


def words(name: str) -> list[str]:
    return [word for word in re.split(APART, composed(name)) if word]


def turned(name: str) -> list[str]:
    """The name with its family name first; where that begins nobody knows."""
    said = words(name)
    return [" ".join([*said[at:], *said[:at]]) for at in range(1, len(said))]


def composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def whole(name: str, *, any_case: bool) -> str:
    """A pattern for the whole name and nothing longer, also turned; no words: what never matches."""
    if not words(name):
        return "(?!)"
    orders = [(name, APART), *((one, TURNED_APART) for one in turned(name))]
    said = "|".join(between.join(_word(word, any_case=any_case) for word in words(one)) for one, between in orders)
    longer = r"[^\W\d_]" if len(words(name)) > 1 else r"[^\W_]"
    return rf"(?<!{longer})(?:{said})(?!{longer}|[{MARKS}])"


def _word(word: str, *, any_case: bool) -> str:
    return "".join(_letter(one, any_case=any_case) for one in word)


def _letter(letter: str, *, any_case: bool) -> str:
    """One of its spellings; capitals of ß are two letters."""
    if letter.isascii():
        return re.escape(letter)
    forms = {letter, letter.upper(), letter.lower(), letter.casefold()} if any_case else {letter}
    forms |= {unicodedata.normalize("NFD", one) for one in forms}
    return f"(?:{'|'.join(re.escape(one) for one in sorted(forms, key=lambda one: (-len(one), one)))})"


def like(name: str) -> str | None:
    """A pattern of LIKE for all that `whole` finds, however it is stored: its letters of ASCII, with anything between.

    So it holds for JSON's escapes and for HTML too. None: there are too few such letters to look for.
    """
    letters = re.findall(r"[A-Za-z0-9]+", "".join(one if one.isascii() else " " for one in composed(name)))
    return f"%{'%'.join(letters)}%" if sum(map(len, letters)) >= TELLING else None


def needles(name: str) -> list[str]:
    """The longest word in the spellings in which a database compares it, for a name that `like` cannot look for."""
    longest = max(words(name), key=len, default="")
    cased = {longest, longest.lower(), longest.upper(), longest.title()} - {""}
    spelled = {unicodedata.normalize(form, one) for one in cased for form in ("NFC", "NFD")}
    return sorted(stored(spelled) | {one.encode("ascii", "xmlcharrefreplace").decode() for one in spelled})


def stored(spelled: Iterable[str]) -> set[str]:
    """As they are, and as JSON is stored with escapes."""
    return {form for one in spelled for form in (one, json.dumps(one)[1:-1])}


def readings(markup: str) -> list[str]:
    """What somebody, or a program, may read in HTML: its text, with and without a blank for each tag, and all of it."""
    return [UNSEEN.sub("", html.unescape(text)) for text in (TAG.sub("", markup), TAG.sub(" ", markup), markup)]
