"""Repositories of playbooks, decided purely: which addresses and trees are taken, and what changed between two commits."""

import pytest

from fleet.automation.rules.sources import (
    LARGEST_FILE,
    MOST_FILES,
    Entry,
    TreeError,
    branch_problem,
    changes,
    folder_problem,
    hidden,
    outside,
    parse_tree,
    pins_addresses,
    url_problem,
    wanted,
)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://git.example/school/playbooks.git", None),
        ("https://git.example:8443/playbooks", None),
        ("ssh://git@git.example:2222/school/playbooks.git", None),
        ("http://git.example/playbooks", "protocol"),
        ("file:///srv/playbooks", "protocol"),
        ("ext::sh -c touch% /tmp/x", "protocol"),
        ("git@git.example:playbooks", "protocol"),
        ("--upload-pack=touch", "protocol"),
        ("ssh://-oProxyCommand=touch/x", "address"),
        ("ssh://git:secret@git.example/x", "password-in-address"),
        ("https://token@git.example/x", "password-in-address"),
        ("https://git.example/a b", "address"),
        ("https://git.example/a\nb", "address"),
        ("https://git.example", "address"),
        ("https:///x", "address"),
        ("https://git.example:99999/x", "address"),
        ("", "protocol"),
    ],
)
def test_addresses(url: str, problem: str | None) -> None:
    assert url_problem(url) == problem


@pytest.mark.parametrize(
    ("version", "pins"),
    [
        ("git version 2.39.5", True),
        ("git version 2.39.5 (Apple Git-154)", True),
        ("git version 2.37.0", True),
        ("git version 3.0", True),
        ("git version 2.36.6", False),
        ("git version 2.4", False),
        ("git version 1.99", False),
        ("", False),
    ],
)
def test_only_a_newer_git_goes_to_the_address_that_was_looked_at(version: str, pins: bool) -> None:
    assert pins_addresses(version) == pins


@pytest.mark.parametrize(
    ("branch", "problem"),
    [
        ("main", None),
        ("release/2026.1", None),
        ("-f", "branch"),
        ("a..b", "branch"),
        ("a b", "branch"),
        ("a/.b", "branch"),
        ("a.lock", "branch"),
        ("", "branch"),
        ("refs:heads", "branch"),
        ("main\n", "branch"),
    ],
)
def test_branches(branch: str, problem: str | None) -> None:
    assert branch_problem(branch) == problem


@pytest.mark.parametrize(
    ("folder", "good"),
    [
        ("", True),
        ("playbooks", True),
        ("a/b-c", True),
        ("../x", False),
        ("/x", False),
        ("a//b", False),
        (".git", False),
        ("a b", False),
    ],
)
def test_folders(folder: str, good: bool) -> None:
    assert (folder_problem(folder) is None) is good


def entry(path: str, mode: str = "100644", size: int = 10) -> Entry:
    return Entry(mode, "0" * 40, size, path)


MANIFEST = entry("playbooks/banner/manifest.toml")


@pytest.mark.parametrize(
    ("bad", "key"),
    [
        (entry("playbooks/banner/link", "120000"), "link"),
        (entry("lib", "160000"), "submodule"),
        (entry(".gitmodules"), "submodule"),
        (entry("playbooks/banner/../../etc/passwd"), "file-name"),
        (entry("playbooks/banner//x"), "file-name"),
        (entry("playbooks/banner/.git/config"), "file-name"),
        (entry("playbooks/banner/a b"), "file-name"),
        (entry("playbooks/banner/x\n"), "file-name"),
        (entry("playbooks/banner/{{ x }}.yml"), "file-name"),
        (entry("playbooks/banner/" + "x" * 101), "file-name"),
        (entry("playbooks/Banner/manifest.toml"), "folder-name"),
        (entry("playbooks/ü/manifest.toml"), "folder-name"),
        (entry("playbooks/../manifest.toml"), "folder-name"),
        (entry("playbooks/banner/big", size=LARGEST_FILE + 1), "too-large"),
        (entry("playbooks/banner/odd", "100600"), "file-kind"),
    ],
)
def test_what_is_not_taken(bad: Entry, key: str) -> None:
    with pytest.raises(TreeError) as caught:
        wanted([MANIFEST, bad], "playbooks")

    assert caught.value.key == key
    assert caught.value.path.isprintable()


def test_limits_of_the_whole() -> None:
    with pytest.raises(TreeError, match="too-many-files"):
        wanted([MANIFEST, *(entry(f"playbooks/banner/{number}") for number in range(MOST_FILES))], "playbooks")
    with pytest.raises(TreeError, match="too-large"):
        wanted([MANIFEST, *(entry(f"playbooks/banner/{number}", size=LARGEST_FILE) for number in range(11))], "playbooks")
    with pytest.raises(TreeError, match="no-playbook"):
        wanted([entry("playbooks/README.md"), entry("other/banner/manifest.toml")], "playbooks")


def test_only_playbooks_are_taken() -> None:
    tree = [MANIFEST, entry("playbooks/banner/meta/argument_specs.yml"), entry("playbooks/notes/a b"), entry("README.md")]

    assert [path for _entry, path in wanted(tree, "playbooks")] == ["banner/manifest.toml", "banner/meta/argument_specs.yml"]
    assert [path for _entry, path in wanted([entry("x/manifest.toml")], "")] == ["x/manifest.toml"]


def test_a_listing_is_read() -> None:
    listing = "100644 blob aa      12\tplaybooks/a b\x00160000 commit bb       -\tlib\x00"

    assert parse_tree(listing) == [Entry("100644", "aa", 12, "playbooks/a b"), Entry("160000", "bb", 0, "lib")]


@pytest.mark.parametrize("sign", ["\u202e", "\u2066", "\u200b", "\ufeff", "\u2028", "\x1b", "\U000e0041"])
def test_what_nobody_can_see_is_told_with_its_line(sign: str) -> None:
    files = {"a/playbook.yml": f"- hosts: all\r\n\t# Räume{sign}\n"}
    assert hidden(files) == [f"a/playbook.yml:2: a character that cannot be seen (U+{ord(sign):04X})"]


def test_letters_of_any_language_are_seen() -> None:
    assert hidden({"a/manifest.toml": "title = 'Wi-Fi für Größen – żółć, العربية'\n"}) == []


def test_changes_are_told_playbook_by_playbook() -> None:
    old = {"a/manifest.toml": "1\n", "b/manifest.toml": "1\n", "c/manifest.toml": "1\n"}
    new = {"a/manifest.toml": "1\n", "b/manifest.toml": "2\n", "b/x": "new\n", "d/manifest.toml": "1\n"}

    found = changes(old, new)

    assert [(one.slug, one.kind) for one in found] == [("b", "changed"), ("c", "removed"), ("d", "new")]
    assert found[0].files[0].diff.splitlines()[2:] == ["@@ -1 +1 @@", "-1", "+2"]
    assert found[0].files[1].diff.startswith("--- /dev/null\n+++ b/b/x")
    assert changes(new, new) == []


@pytest.mark.parametrize(
    ("path", "line", "said"),
    [
        ("a/playbook.yml", "    - ansible.builtin.import_tasks: ../lib/tasks.yml", "../lib/tasks.yml"),
        ("a/playbook.yml", "- import_playbook: '../lib/playbook.yml'", "../lib/playbook.yml"),
        ("a/tasks/one.yml", "- include_tasks: ../../lib/tasks.yml", "../../lib/tasks.yml"),
        ("a/tasks/one.yml", "- include_tasks: ../more/two.yml", None),
        ("a/playbook.yml", "    - import_tasks: tasks/one.yml", None),
        ("a/playbook.yml", "    - raw: cat ../lib/tasks.yml", None),
    ],
)
def test_what_is_included_from_outside_of_the_folder_is_named(path: str, line: str, said: str | None) -> None:
    wanted = [f"{path}:2: this lies outside of the playbook's folder: {said}"] if said else []

    assert outside({path: f"---\n{line}\n"}) == wanted
