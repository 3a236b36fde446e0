"""Whatever is stored of a mail or a mailbox in English is read in German."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation

from helpdesk.mail import words

ROOM = Path(words.__file__).parent
SENTENCES = re.compile(r"(it|its|there|only|this|the|nobody|reading|automatic)\b.* .*|delivery report|subject of .*")


def said() -> Iterator[str]:
    """Every text in the rules and services of this room that reads as a reason, with its values as `7`."""
    for name in ("rules/automatic", "rules/parsing", "reading", "services/receiving", "services/settling"):
        tree = ast.parse((ROOM / f"{name}.py").read_text())
        nodes = list(ast.walk(tree))
        others = {id(one.value) for one in nodes if isinstance(one, ast.Expr)}
        others |= {id(part) for one in nodes if isinstance(one, ast.JoinedStr) for part in one.values}
        others |= {id(part) for one in nodes if _is_error(one) for part in ast.walk(one)}
        for node in nodes:
            text = _text(node)
            if id(node) not in others and SENTENCES.fullmatch(text):
                yield text


def _is_error(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("Error")


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "7" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_every_reason_has_a_german_sentence() -> None:
    found = set(said())

    with translation.override("de"):
        english = {one for one in found if words.reason(one) == one}

    assert len(found) >= len(words.REASONS) - 1
    assert english == set()


@pytest.mark.parametrize(
    ("stored", "german"),
    [
        ("automatic: delivery report", "automatisch: Zustellbericht"),
        ("automatic: Auto-Submitted: auto-replied", "automatisch: Auto-Submitted: auto-replied"),
        ("it has 50 MB, more than the 40 MB that are read", "sie hat 50 MB, mehr als die 40 MB, die gelesen werden"),
        ("said by an older release", "said by an older release"),
        ("", ""),
    ],
)
def test_a_reason_keeps_its_values(stored: str, german: str) -> None:
    with translation.override("de"):
        assert words.reason(stored) == german
    with translation.override("en"):
        assert words.reason(stored) == stored


@pytest.mark.parametrize(
    ("stored", "german"),
    [
        ("[Errno 111] Connection refused", "Unter diesem Server und Port antwortet niemand."),
        ("the line broke at mail 7: socket error: EOF", "Der Server bricht ab, wenn Mail 7 abgeholt wird."),
        ("b'[AUTHENTICATIONFAILED] no'", "Der Server nimmt Benutzername und Passwort nicht an."),
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1006)",
            "Dem Zertifikat des Servers ist nicht zu trauen (certificate has expired).",
        ),
        ("select failed: no such folder", "Der Server sagt: select failed: no such folder"),
        ("", ""),
    ],
)
def test_what_is_wrong_with_a_mailbox(stored: str, german: str) -> None:
    with translation.override("de"):
        assert words.error(stored) == german
