"""What a person may give a playbook: declared arguments of their declared type, and nothing else."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from fleet.automation.catalogue import Argument, Playbook, Text, load
from fleet.automation.rules.arguments import ArgumentsError, digest, validated


def one(folder: Path, **declared: Any) -> Playbook:
    """A playbook whose only argument is `value`."""
    playbook = load(folder)
    return Playbook(**{**vars(playbook), "arguments": (Argument("value", label=Text("", ""), **declared),)})


@pytest.mark.parametrize(
    ("declared", "given", "typed"),
    [
        ({"type": "str"}, "{{ lookup('pipe','id') }}", "{{ lookup('pipe','id') }}"),
        ({"type": "str"}, "; reboot", "; reboot"),
        ({"type": "str"}, 7, "7"),
        ({"type": "path"}, "../../etc/passwd", "../../etc/passwd"),
        ({"type": "int"}, "7", 7),
        ({"type": "float"}, "1.5", 1.5),
        ({"type": "bool"}, "yes", True),
        ({"type": "bool"}, False, False),
        ({"type": "list"}, "a, b\nc", ["a", "b", "c"]),
        ({"type": "list", "elements": "int"}, ["1", 2], [1, 2]),
        ({"type": "list", "choices": ("on", "off")}, "on, off", ["on", "off"]),
        ({"type": "dict"}, {"a": ["x"]}, {"a": ["x"]}),
        ({"type": "str", "choices": ("on", "off")}, "on", "on"),
        ({"type": "int", "default": 3}, "", 3),
        ({"type": "int", "default": 3}, None, 3),
    ],
)
def test_declared_types(folder: Path, declared: dict[str, Any], given: Any, typed: Any) -> None:
    found = validated(one(folder, **declared), {"value": given})

    assert found == {"value": typed}
    assert type(found["value"]) is type(typed)


@pytest.mark.parametrize(
    ("declared", "given"),
    [
        ({"type": "str"}, ["a"]),
        ({"type": "str"}, {"__ansible_unsafe": "x"}),
        ({"type": "str"}, "a\0b"),
        ({"type": "str"}, "half a character \ud800"),
        ({"type": "str"}, "x" * 4001),
        ({"type": "str", "required": True}, ""),
        ({"type": "str", "choices": ("on", "off")}, "On"),
        ({"type": "int"}, "1.5"),
        ({"type": "int"}, "1; reboot"),
        ({"type": "int"}, True),
        ({"type": "float"}, "nan"),
        ({"type": "float"}, "inf"),
        ({"type": "bool"}, "maybe"),
        ({"type": "list", "elements": "int"}, ["1", "x"]),
        ({"type": "list", "choices": ("on", "off")}, ["on", "maybe"]),
        ({"type": "list"}, {"a": 1}),
        ({"type": "dict"}, "a=1"),
        ({"type": "dict"}, {"a": {"b": ["\0"]}}),
    ],
)
def test_what_is_not_of_its_type_is_refused(folder: Path, declared: dict[str, Any], given: Any) -> None:
    with pytest.raises(ArgumentsError) as caught:
        validated(one(folder, **declared), {"value": given})

    assert list(caught.value.problems) == ["value"]


@pytest.mark.parametrize(
    "name", ["ansible_connection", "ansible_ssh_common_args", "ansible_host", "ansible_python_interpreter", "colour"]
)
def test_only_declared_arguments_are_taken(folder: Path, name: str) -> None:
    with pytest.raises(ArgumentsError) as caught:
        validated(load(folder), {"ssid": "Exam", name: "x"})

    assert list(caught.value.problems) == [name]


def test_every_problem_is_named_at_once(folder: Path) -> None:
    with pytest.raises(ArgumentsError) as caught:
        validated(load(folder), {"state": "gone", "port": "x", "ansible_host": "x"})

    assert set(caught.value.problems) == {"ssid", "state", "port", "ansible_host"}


@pytest.mark.parametrize(
    ("declared", "given", "english", "german"),
    [
        ({"type": "str", "required": True}, "", "This is needed.", "Diese Angabe fehlt."),
        ({"type": "str", "choices": ("on", "off")}, "On", "It must be one of: on, off.", "Möglich sind: on, off."),
        ({"type": "str"}, ["a"], "It must be text.", "Das muss ein Text sein."),
        ({"type": "str"}, "x" * 4001, "at most 4000 characters", "höchstens 4000 Zeichen"),
        ({"type": "int"}, "1.5", "It must be a whole number.", "Das muss eine ganze Zahl sein."),
        ({"type": "float"}, "nan", "It must be a number.", "Das muss eine Zahl sein."),
        ({"type": "bool"}, "maybe", "It must be yes or no.", "Möglich sind: ja oder nein."),
        ({"type": "list"}, {"a": 1}, "It must be a list.", "Das muss eine Liste sein."),
        ({"type": "dict"}, "a=1", "It must be a mapping.", "Das muss eine Zuordnung"),
    ],
)
def test_a_problem_is_said_in_the_language_of_who_reads_it(
    folder: Path, declared: dict[str, Any], given: Any, english: str, german: str
) -> None:
    with pytest.raises(ArgumentsError) as caught:
        validated(one(folder, **declared), {"value": given})

    for language, sentence in {"en": english, "de": german}.items():
        with translation.override(language):
            assert sentence in str(caught.value.problems["value"])


def test_what_is_not_declared_is_refused_in_german_too(folder: Path) -> None:
    with pytest.raises(ArgumentsError) as caught, translation.override("de"):
        validated(load(folder), {"ssid": "Exam", "colour": "x"})

    with translation.override("de"):
        assert str(caught.value.problems["colour"]) == "Diese Angabe kennt das Playbook nicht."


def test_an_approval_is_for_one_playbook_its_arguments_and_its_targets() -> None:
    same = digest("p", {"a": 1, "b": 2}, [1, 2], key="k")

    assert same == digest("p", {"b": 2, "a": 1}, [2, 1], key="k")
    others = {
        digest("q", {"a": 1, "b": 2}, [1, 2], key="k"),
        digest("p", {"a": 1, "b": 3}, [1, 2], key="k"),
        digest("p", {"a": 1, "b": 2}, [1], key="k"),
        digest("p", {"a": 1, "b": 2}, [(1, "openwrt", "127.0.0.1", ""), (2, "openwrt", "127.0.0.2", "")], key="k"),
        digest("p", {"a": 1, "b": 2}, [1, 2], ends_at=datetime(2026, 11, 26, tzinfo=UTC), key="k"),
    }
    assert len(others | {same}) == 6


def test_who_does_not_know_the_key_cannot_try_secrets_out_on_the_digest() -> None:
    known = json.dumps(["p", {"psk": "12345678"}, [1]], sort_keys=True)

    shown = digest("p", {"psk": "12345678"}, [1], key="k")

    assert shown != hashlib.sha256(known.encode()).hexdigest()
    assert shown != digest("p", {"psk": "12345678"}, [1], key="another")
