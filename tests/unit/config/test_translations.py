"""German texts of all rooms end in one catalogue: what two rooms word alike in English must be alike in German."""

import ast
import gettext
import io
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.forms import Form
from django.utils import translation
from django.utils.translation.template import templatize

from config.env import BASE_DIR
from fleet.automation.forms import ChangeFilter
from fleet.monitoring.forms import DeviceFilter


def german() -> dict[tuple[str, str], dict[Path, str]]:
    """{(context, English): {file: German}}"""
    found: dict[tuple[str, str], dict[Path, str]] = defaultdict(dict)
    for room in ("fleet", "helpdesk"):
        for path in (BASE_DIR / room).glob("*/*locale/de/LC_MESSAGES/django.po"):
            with path.open("rb") as text:
                for message in read_po(text, locale="de"):
                    english = message.id if isinstance(message.id, str) else message.id[0]
                    found[message.context or "", english][path] = str(message.string)
    del found["", ""]
    return found


CALLS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"), 0),
    **dict.fromkeys(("pgettext", "pgettext_lazy", "npgettext", "npgettext_lazy"), 1),
}
"""Functions that ask for a text -> which argument it is; the one before it is its context."""


def texts_of_code(source: str) -> Iterator[tuple[str, str]]:
    """(context, English), those inside of f-strings too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            said = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            place = CALLS[node.func.id]
            if len(said) > place:
                yield said[0] if place else "", said[place]


def texts_of_template(source: str) -> Iterator[tuple[str, str]]:
    lines = "\n".join(line.strip() for line in templatize(source).splitlines())
    wanted = {"_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3)}
    for _line, message, _comments, context in extract("python", io.BytesIO(lines.encode()), wanted):
        yield context or "", message if isinstance(message, str) else message[0]


def texts() -> Iterator[tuple[Path, tuple[str, str]]]:
    for room in ("fleet", "helpdesk", "config"):
        for path in sorted((BASE_DIR / room).rglob("*.py")):
            yield from ((path, text) for text in texts_of_code(path.read_text()))
        for path in sorted((BASE_DIR / room).glob("**/templates/**/*.*")):
            yield from ((path, text) for text in texts_of_template(path.read_text()))


def test_every_text_has_a_german_one() -> None:
    """In our catalogues, or in Django's own."""
    ours = {(context, english) for (context, english), words in german().items() if any(words.values())}
    djangos = gettext.translation("django", str(Path(django.__file__).parent / "conf" / "locale"), ["de"])

    missing = {
        f"{path.relative_to(BASE_DIR)}: {english}"
        for path, (context, english) in texts()
        if (context, english) not in ours and (context or djangos.gettext(english) == english)
    }

    assert not missing


def test_no_english_text_has_two_german_ones() -> None:
    """Where two rooms mean different things by one word, `pgettext` keeps them apart."""
    doubtful = {english: words for english, words in german().items() if len(set(words.values())) > 1}

    assert doubtful == {}


@pytest.mark.parametrize("form", [ChangeFilter, DeviceFilter])
def test_a_state_is_called_the_same_everywhere(form: type[Form]) -> None:
    with translation.override("de"):
        assert str(form.base_fields["state"].label) == "Zustand"
