"""What the redactor knows is found nowhere in what it returns, however it was written."""

import base64
import binascii
import html
import json
import re
import shlex
import subprocess
import time
import urllib.parse
from typing import Any

import pytest
import yaml
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


WORDS = "correct horse battery staple kX7 pqm2 vZ9 wolke regen dach 4711"
SPECIAL = 'pa$s"w`rd\\x!1'
CONFIGURATION = f"config wifi-iface\n\toption ssid 'x'\n\toption key '{WORDS}'\n\toption network 'lan'\n"


def said_by(*command: str, to: str = "") -> str:
    return subprocess.run(command, check=True, capture_output=True, input=to.encode()).stdout.decode()


def readable(text: str) -> str:
    """The text, also with its lines put together, and what its runs of Base64 hold from each digit on."""
    pieces = re.findall(r"[A-Za-z0-9+/]{4,}", re.sub(r"\\n|\s", "", text))
    shifted = [piece[start:] for piece in pieces for start in range(4)]
    held = [binascii.a2b_base64(piece[: len(piece) // 4 * 4]) for piece in shifted]
    return "\n".join([text, *(part.decode(errors="replace") for part in held)])


@pytest.mark.parametrize("inside_json", [False, True])
@pytest.mark.parametrize(
    ("secret", "written"),
    [
        (WORDS, said_by("base64", to=WORDS)),
        (WORDS, said_by("base64", to=CONFIGURATION)),
        (WORDS, said_by("base64", "-w", "20", to=CONFIGURATION).replace("\n", "\r\n")),
        (WORDS, yaml.safe_dump({"hint": f"The key of the Wi-Fi for the exam of today is {WORDS}"})),
        (WORDS, yaml.safe_dump({"hint": f"Größe {WORDS} " * 3})),
        (WORDS, said_by("od", "-An", "-tx1", to=WORDS)),
        ("#it's-geheim-4711 no", yaml.safe_dump({"key": "#it's-geheim-4711 no"})),
        ("größe-Schlüssel-4711", yaml.safe_dump({"key": "größe-Schlüssel-4711"})),
        ("größe-Schlüssel-4711", yaml.safe_dump({"key": f"{'x' * 70}größe-Schlüssel-4711"})),
        (SPECIAL, base64.b64encode(json.dumps({"key": SPECIAL}).encode()).decode()),
        (SPECIAL, said_by("bash", "-c", 'printf %q "$1"', "bash", SPECIAL)),
        (SPECIAL, r'psk="pa\$s\"w\`rd\\x!1"'),
        ("größe-4711", said_by("env", "LC_ALL=C", "bash", "-c", 'printf %q "$1"', "bash", "größe-4711")),
    ],
)
def test_a_secret_is_found_where_programs_wrap_or_escape_it(secret: str, written: str, inside_json: bool) -> None:
    shown = Redactor([secret]).text(json.dumps(written) if inside_json else written)

    assert MASK in shown
    assert not [secret[at : at + 5] for at in range(len(secret) - 4) if secret[at : at + 5] in readable(shown)], shown


def test_what_stands_around_a_wrapped_secret_stays() -> None:
    shown = Redactor([WORDS]).text(
        "first line\n" + WORDS.replace(" ", "\n   ") + "\nlast  line\n" + WORDS.replace(" ", "  ")
    )

    assert shown == f"first line\n{MASK}\nlast  line\n{MASK}"


@pytest.mark.parametrize("piece", ["\\", " \n", "\\n", "k", "k ", "k\\n"])
def test_no_output_keeps_it_busy(piece: str) -> None:
    redactor, started = Redactor(["k" * 40, WORDS]), time.process_time()

    redactor.text(piece * 100_000)

    assert time.process_time() - started < 2


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
