"""Whatever a playbook calls is there: in ansible-core, in our own collection, or pinned for those who install it."""

import importlib.util
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.automation.inventory import platform_group

PLAYBOOKS = Path(__file__).resolve().parents[3] / "playbooks"
OURS = PLAYBOOKS / "collections" / "ansible_collections" / "fleetdesk" / "network"
NAME = re.compile(r"(?<![\w./'-])([a-z_]+\.[a-z_]+\.[a-z_]+)(?![\w./])")
BOOKS = sorted(PLAYBOOKS.glob("*/playbook.yml"))


def called(text: str) -> set[str]:
    """Names of three parts: of tasks as their keys, of filters, tests and lookups within expressions."""
    return {name for task in _tasks(yaml.safe_load(text)) for name in task if name.count(".") == 2} | {
        found[1] for found in re.finditer(r"(?:\||is|is not|lookup\(|query\()\s*'?" + NAME.pattern, text)
    }


def _tasks(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _tasks(value)
    elif isinstance(node, list):
        for value in node:
            yield from _tasks(value)


def is_there(name: str) -> bool:
    namespace, collection, plugin = name.split(".")
    if (namespace, collection) == ("ansible", "builtin"):
        kinds = ("modules", "plugins.action", "plugins.lookup")
        return any(importlib.util.find_spec(f"ansible.{kind}.{plugin}") for kind in kinds)
    if (namespace, collection) == ("fleetdesk", "network"):
        return (OURS / "plugins" / "action" / f"{plugin}.py").exists() and (
            OURS / "plugins" / "modules" / f"{plugin}.py"
        ).exists()
    return f"{namespace}.{collection}" in pinned()


def pinned() -> dict[str, str]:
    listed = yaml.safe_load((PLAYBOOKS / "requirements.yml").read_text())["collections"]
    return {one["name"]: str(one["version"]) for one in listed}


@pytest.mark.parametrize("book", BOOKS, ids=lambda path: path.parent.name)
def test_every_name_that_a_playbook_calls_is_there(book: Path) -> None:
    names = called(book.read_text())

    assert names
    assert [name for name in sorted(names) if not is_there(name)] == []


def test_a_name_that_nobody_has_would_be_found() -> None:
    task = "{community.absent.thing: {}, when: x is ansible.utils.in_network('a')}"

    assert called(f"- hosts: all\n  tasks:\n    - block:\n        - {task}\n") == {
        "community.absent.thing",
        "ansible.utils.in_network",
    }
    for name in ("community.absent.thing", "ansible.builtin.nothing", "fleetdesk.network.nothing"):
        assert not is_there(name)


def test_what_is_pinned_is_pinned_exactly() -> None:
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in pinned().values())


@pytest.mark.parametrize("book", BOOKS, ids=lambda path: path.parent.name)
def test_a_playbook_leaves_alone_what_it_is_not_for(book: Path) -> None:
    """Without --limit, an administrator's `ansible-playbook` goes over the whole inventory."""
    platforms = tomllib.loads((book.parent / "manifest.toml").read_text())["platforms"]

    for play in yaml.safe_load(book.read_text()):
        assert play["hosts"].split(":") == [platform_group(platform) for platform in platforms]
