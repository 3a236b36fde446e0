"""Playbooks from a git repository: what may be fetched, what may stand in it, and what has changed between two commits."""

import difflib
import itertools
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

SLUG = re.compile(r"[a-z][a-z0-9-]{0,58}")
COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
PROTOCOLS = ("https", "ssh")
LARGEST_FILE = 1 << 20
LARGEST_TREE = 10 << 20
MOST_FILES = 2000
LONGEST_DIFF = 5000
"""Lines of one file's diff that are shown; what has more is not approved."""
MARK = "manifest.toml"
"""A folder that has it is a playbook."""

MOST_TOLD = 20
UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp"})
"""General categories (UAX #44) of what a reader of a diff cannot see."""

_INCLUDED = re.compile(r"""\b(?:import|include)_[a-z]+:\s*["']?((?:\.\./)+[^\s"']*)""")
_PART = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.+@-]{0,99}")
_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,99}")
_FILE, _PROGRAM, _LINK, _SUBMODULE = "100644", "100755", "120000", "160000"


def url_problem(url: str, protocols: Sequence[str] = PROTOCOLS) -> str | None:
    """Key of what is wrong with a repository's address: git knows ways to run programs in one (`ext::`)."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "address"
    if parts.scheme not in protocols:
        return "protocol"
    if parts.password or (parts.username and parts.scheme != "ssh"):
        return "password-in-address"
    place = parts.path if parts.scheme == "file" else parts.hostname
    strange = re.search(r"[\s\x00-\x1f\\?#]", url) or (parts.hostname or "").startswith("-") or parts.netloc.startswith("-")
    return "address" if not place or strange or not parts.path.strip("/") or port == 0 else None


GIT_SAYS = {
    "couldn't find remote ref": "no-branch",
    "authentication failed": "login-refused",
    "permission denied": "login-refused",
    "could not read username": "login-refused",
    "host key verification failed": "host-key",
}


def git_problem(said: str) -> str:
    """Key of what git could not do. Its words are not passed on: they quote whatever answered at that address."""
    words = said.lower()
    return next((key for part, key in GIT_SAYS.items() if part in words), "git")


def pins_addresses(version: str) -> bool:
    """Whether this git (`git --version`) goes where it is told by `http.curloptResolve`: since 2.37. Unreadable: no."""
    found = re.search(r"(\d+)\.(\d+)", version)
    return found is not None and (int(found[1]), int(found[2])) >= (2, 37)


def branch_problem(branch: str) -> str | None:
    """git-check-ref-format(1), without what only confuses."""
    odd = ".." in branch or "//" in branch or branch.endswith(("/", ".", ".lock")) or "/." in branch
    return "branch" if odd or not _BRANCH.fullmatch(branch) else None


def folder_problem(folder: str) -> str | None:
    """Where in the repository the playbooks lie; empty: at its top."""
    return "folder" if folder and any(_part_problem(part) for part in folder.split("/")) else None


def _part_problem(part: str) -> bool:
    return part in {"", ".", "..", ".git"} or not _PART.fullmatch(part)


@dataclass(frozen=True)
class Entry:
    """One line of `git ls-tree -r --long`."""

    mode: str
    object: str
    size: int
    path: str


class TreeError(ValueError):
    """The repository holds what is not taken: `key` names why, `path` where (short, printable)."""

    def __init__(self, key: str, path: str) -> None:
        self.key, self.path = key, path.encode("unicode_escape").decode()[:200]
        super().__init__(f"{key}: {self.path}")


def wanted(entries: Sequence[Entry], folder: str) -> list[tuple[Entry, str]]:
    """[(entry, path inside the folder)] of all files that belong to a playbook. Raises TreeError for what is not taken."""
    for entry in entries:
        if entry.mode == _SUBMODULE or entry.path == ".gitmodules":
            raise TreeError("submodule", entry.path)
    inside = [(entry, path) for entry in entries if (path := _below(entry.path, folder)) and "/" in path]
    slugs = {path.split("/")[0] for _entry, path in inside if path.count("/") == 1 and path.endswith(f"/{MARK}")}
    found = [(entry, path) for entry, path in inside if path.split("/")[0] in slugs]
    for entry, path in found:
        _check(entry, path)
    if len(found) > MOST_FILES:
        raise TreeError("too-many-files", str(len(found)))
    if sum(entry.size for entry, _path in found) > LARGEST_TREE:
        raise TreeError("too-large", folder or "/")
    if not found:
        raise TreeError("no-playbook", folder or "/")
    return found


def _below(path: str, folder: str) -> str:
    if not folder:
        return path
    return path.removeprefix(f"{folder}/") if path.startswith(f"{folder}/") else ""


def _check(entry: Entry, path: str) -> None:
    """Nothing that leads anywhere else, nothing that only some file systems can hold, nothing without end."""
    parts = path.split("/")
    if not SLUG.fullmatch(parts[0]):
        raise TreeError("folder-name", entry.path)
    if any(map(_part_problem, parts)):
        raise TreeError("file-name", entry.path)
    if entry.mode == _LINK:
        raise TreeError("link", entry.path)
    if entry.mode not in {_FILE, _PROGRAM}:
        raise TreeError("file-kind", entry.path)
    if entry.size > LARGEST_FILE:
        raise TreeError("too-large", entry.path)


def parse_tree(listing: str) -> list[Entry]:
    """The output of `git ls-tree -r -z --long`: `mode type object size<TAB>path<NUL>`; a submodule's size is `-`."""
    entries = []
    for line in filter(None, listing.split("\0")):
        about, _, path = line.partition("\t")
        mode, _kind, name, size = about.split()
        entries.append(Entry(mode, name, int(size) if size.isdecimal() else 0, path))
    return entries


Kind = Literal["new", "changed", "removed"]
Files = Mapping[str, str]
"""{path inside the playbooks' folder: text}"""


@dataclass(frozen=True)
class FileChange:
    path: str
    diff: str
    cut: bool


@dataclass(frozen=True)
class PlaybookChange:
    slug: str
    kind: Kind
    files: tuple[FileChange, ...]


def slugs(files: Files) -> list[str]:
    return sorted({path.split("/")[0] for path in files})


def changes(old: Files, new: Files) -> list[PlaybookChange]:
    """What is new, changed or gone, playbook by playbook, as unified diffs."""
    found = []
    for slug in sorted({*slugs(old), *slugs(new)}):
        files = tuple(_file_changes(slug, old, new))
        if files:
            kind: Kind = "new" if slug not in slugs(old) else "removed" if slug not in slugs(new) else "changed"
            found.append(PlaybookChange(slug, kind, files))
    return found


def hidden(files: Files) -> list[str]:
    """Where characters stand that nobody sees, or that make a line read otherwise than it runs (bidirectional controls)."""
    found = (
        f"{path}:{number}: a character that cannot be seen (U+{ord(sign):04X})"
        for path, text in sorted(files.items())
        for number, line in enumerate(text.split("\n"), 1)
        for sign in dict.fromkeys(line)
        if sign not in "\t\r" and unicodedata.category(sign) in UNSEEN
    )
    return list(itertools.islice(found, MOST_TOLD))


def outside(files: Files) -> list[str]:
    """Where something is included from outside of the playbook's own folder: it is not there when it runs."""
    found = (
        f"{path}:{number}: this lies outside of the playbook's folder: {said[1]}"
        for path, text in sorted(files.items())
        for number, line in enumerate(text.split("\n"), 1)
        if (said := _INCLUDED.search(line)) and said[1].count("../") >= path.count("/")
    )
    return list(itertools.islice(found, MOST_TOLD))


def _file_changes(slug: str, old: Files, new: Files) -> Iterator[FileChange]:
    paths = sorted(path for path in {*old, *new} if path.startswith(f"{slug}/"))
    for path in paths:
        before, after = old.get(path), new.get(path)
        if before == after:
            continue
        lines = list(
            difflib.unified_diff(
                (before or "").splitlines(),
                (after or "").splitlines(),
                f"a/{path}" if before is not None else "/dev/null",
                f"b/{path}" if after is not None else "/dev/null",
                lineterm="",
            )
        )
        yield FileChange(path, "\n".join(lines[:LONGEST_DIFF]), len(lines) > LONGEST_DIFF)
