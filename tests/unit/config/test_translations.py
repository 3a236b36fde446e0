"""German texts of all rooms end in one catalogue: what two rooms word alike in English must be alike in German."""

from collections import defaultdict
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.forms import Form
from django.utils import translation

from config.env import BASE_DIR
from fleet.automation.forms import ChangeFilter
from fleet.monitoring.forms import DeviceFilter


def german() -> dict[tuple[str, str], dict[Path, str]]:
    """{(context, English): {file: German}}"""
    found: dict[tuple[str, str], dict[Path, str]] = defaultdict(dict)
    for room in ("fleet", "helpdesk"):
        for path in (BASE_DIR / room).glob("*/locale/de/LC_MESSAGES/django.po"):
            with path.open("rb") as text:
                for message in read_po(text, locale="de"):
                    found[message.context or "", str(message.id)][path] = str(message.string)
    del found["", ""]
    return found


def test_no_english_text_has_two_german_ones() -> None:
    """Where two rooms mean different things by one word, `pgettext` keeps them apart."""
    doubtful = {english: words for english, words in german().items() if len(set(words.values())) > 1}

    assert doubtful == {}


@pytest.mark.parametrize("form", [ChangeFilter, DeviceFilter])
def test_a_state_is_called_the_same_everywhere(form: type[Form]) -> None:
    with translation.override("de"):
        assert str(form.base_fields["state"].label) == "Zustand"
