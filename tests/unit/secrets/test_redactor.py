"""What the redactor knows is found nowhere in what it returns, however it was written."""

import html
import json
import shlex
import urllib.parse
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.secrets.redact import SHORTEST, Redactor
from fleet.secrets.types import MASK, Secret

words = st.text(st.characters(exclude_characters="*xy", exclude_categories=["Cs"]), min_size=SHORTEST, max_size=30)
leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
data = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)


def texts_of(value: Any) -> list[str]:
    """Every text in a structure, keys included."""
    if isinstance(value, dict):
        return [text for pair in value.items() for one in pair for text in texts_of(one)]
    if isinstance(value, list):
        return [text for one in value for text in texts_of(one)]
    return [value] if isinstance(value, str) else []


@given(words, st.text(max_size=40), st.text(max_size=40))
def test_a_secret_is_gone_from_any_text_around_it(secret: str, before: str, after: str) -> None:
    masked = Redactor([secret]).text(f"{before}{secret}{after}")

    assert secret not in masked
    assert MASK in masked


@given(words, data)
def test_a_secret_is_gone_from_any_structure_around_it(secret: str, around: Any) -> None:
    masked = Redactor([secret]).data({"a": around, "b": [secret, {secret: f"x{secret}y"}]})

    assert masked["b"] == [MASK, {MASK: f"x{MASK}y"}]
    assert secret not in texts_of(masked)


@given(data)
def test_without_secrets_nothing_changes(around: Any) -> None:
    assert Redactor([]).data(around) == around


@pytest.mark.parametrize("secret", ['pa"ss\\word', "päss wörd&=?", "it's-secret", "tab\there-secret"])
def test_a_secret_is_found_as_json_and_urls_and_shells_write_it(secret: str) -> None:
    redactor = Redactor([Secret(secret)])

    for written in (
        json.dumps(secret),
        f"https://host/?key={urllib.parse.quote(secret)}",
        f"https://host/?key={urllib.parse.quote_plus(secret)}",
        f"uci set {shlex.quote(secret)}",
        json.dumps({"stdout": json.dumps({"key": secret}, ensure_ascii=False)}),
        f"<td>{html.escape(secret)}</td>",
        repr({"key": secret}),
    ):
        assert MASK in redactor.text(written), written


def test_each_line_of_a_key_is_a_secret_of_its_own() -> None:
    key = "-----BEGIN KEY-----\nQWxsZXMgZ2VoZWlt\nTm9jaCBnZWhlaW1lcg==\n-----END KEY-----"

    assert "QWxsZXMgZ2VoZWlt" not in Redactor([key]).text("line 2 was QWxsZXMgZ2VoZWlt.")


def test_the_longest_secret_is_masked_first() -> None:
    assert Redactor(["geheim", "geheimnis"]).text("das geheimnis") == f"das {MASK}"


def test_words_too_short_to_be_secrets_stay() -> None:
    assert Redactor(["on"]).text("radio on") == "radio on"


def test_a_secret_prints_as_a_mask() -> None:
    secret = Secret("planted")

    assert f"{secret} {secret!r} {[secret]}" == f"{MASK} {MASK} [{MASK}]"
    assert secret.reveal() == "planted"
