"""`manage.py check` reads every playbook's folder and our own tables, so that a wrong one never reaches a person."""

import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.db import DatabaseError

from fleet.automation import policy_file, remedybook
from fleet.automation.catalogue import CatalogueError, Playbook, get, load, not_made_good, not_put_back, not_undone
from fleet.automation.declared import DeclarationError, keys, rules
from fleet.automation.models import PlaybookSource
from fleet.automation.rules.boxes import NO_SUBJECT, lacks_subject, may_adjust
from fleet.automation.rules.sources import pins_addresses
from fleet.sites.models import Authority

MARKS = ("playbook.yml", "manifest.toml", "meta/argument_specs.yml")
"""A folder that has one of these is meant to be a playbook, and must have them all."""

NEEDED = (
    ("ssh-agent", "openssh-client", "no playbook can log in with a key"),
    ("git", "git", "no playbooks can be fetched from repositories"),
)


def check_playbooks(**_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    root = Path(settings.PLAYBOOKS_DIR)
    folders = {root / path.relative_to(root).parts[0] for mark in MARKS for path in root.glob(f"*/{mark}")}
    for folder in sorted(folders):
        try:
            playbook = load(folder)
        except CatalogueError as error:
            found.append(Error(str(error), id="automation.E001"))
            continue
        undo = playbook.rollback
        if undo and undo.playbook and root / undo.playbook not in folders:
            text = f"{folder / 'manifest.toml'}: there is no playbook {undo.playbook!r} to undo it with"
            found.append(Error(text, id="automation.E001"))
        elif problem := _undoing_problem(playbook):
            found.append(Error(f"{folder / 'manifest.toml'}: rollback: {problem}", id="automation.E001"))
        if problem := _making_good_problem(playbook):
            found.append(Error(f"{folder / 'manifest.toml'}: after_cut: {problem}", id="automation.E001"))
        if problem := _adjusting_problem(playbook):
            found.append(Error(f"{folder / 'manifest.toml'}: adjusts: {problem}", id="automation.E001"))
        if lacks_subject(playbook):
            found.append(Error(f"{folder / 'manifest.toml'}: subject: {NO_SUBJECT}", id="automation.E001"))
        if undo and undo.restore_backup and (lacking := not_put_back(playbook)):
            text = f"{folder / 'manifest.toml'}: rollback: no configuration is kept or put back on {', '.join(lacking)}"
            found.append(Error(text, id="automation.E001"))
        if playbook.predecessor == "stays":
            text = f"{folder / 'manifest.toml'}: it renews a credential, and the old one stays on the devices"
            hint = (
                'Declare an argument retired_…, or say predecessor = "replaced" where the new one takes its place at once.'
            )
            found.append(checks.Warning(text, hint=hint, id="automation.W002"))
    return found


def _undoing_problem(playbook: Playbook) -> str | None:
    """Why it cannot be undone with the playbook that it names."""
    if playbook.rollback is None or not playbook.rollback.playbook:
        return None
    try:
        return not_undone(playbook, get(playbook.rollback.playbook))
    except CatalogueError:  # said of that one
        return None


def _making_good_problem(playbook: Playbook) -> str | None:
    """Why it cannot be made good by what it names, where a run of it was cut off."""
    if not playbook.after_cut:
        return None
    try:
        other = get(playbook.after_cut)
    except CatalogueError as error:
        return str(error)
    return not_made_good(playbook, other)


def _adjusting_problem(playbook: Playbook) -> str | None:
    """Why it cannot be what changes another playbook's doing in part."""
    if not playbook.adjusts:
        return None
    try:
        other = get(playbook.adjusts)
    except CatalogueError as error:
        return str(error)
    return None if may_adjust(playbook, other) else f"its arguments are not those of {other.slug}, or name other things"


def check_programs(**_: Any) -> list[CheckMessage]:
    """What runs need of the machine besides Python."""
    found: list[CheckMessage] = []
    if settings.RUN_SANDBOX and not shutil.which(settings.RUN_SANDBOX):
        hint = "Install the package bubblewrap, or leave RUN_SANDBOX empty."
        found.append(Error("RUN_SANDBOX=bwrap, but there is no bwrap on this machine", hint=hint, id="automation.E002"))
    for program, package, purpose in NEEDED:
        if not shutil.which(program):
            hint = f"Install the package {package}."
            found.append(
                checks.Warning(f"there is no {program} on this machine: {purpose}", hint=hint, id="automation.W001")
            )
    return found


def check_git(**_: Any) -> list[CheckMessage]:
    """An older git looks the host's name up once more, and so may go to our own machine after all."""
    if "https" not in settings.SOURCE_PROTOCOLS or not (program := shutil.which("git")):
        return []
    said = subprocess.run([program, "--version"], check=False, capture_output=True, text=True, timeout=10).stdout.strip()
    if pins_addresses(said):
        return []
    text = f"{said or program} does not keep to the address of a repository that was looked at"
    hint = "Install git 2.37 or newer, or add no repositories by https."
    return [checks.Warning(text, hint=hint, id="automation.W004")]


def check_sandbox(**_: Any) -> list[CheckMessage]:
    """Playbooks look things up with the worker's account: without a sandbox whoever writes one reads what that may read."""
    if settings.RUN_SANDBOX:
        return []
    hint = "Set RUN_SANDBOX=bwrap, so that a run sees its own directory only."
    found: list[CheckMessage] = []
    try:
        if PlaybookSource.objects.exclude(commit="").exists():
            text = "playbooks from git repositories are approved, and runs are not kept in a sandbox"
            found.append(Error(text, hint=hint, id="automation.E007"))
        if Authority.objects.count() > 1:
            text = "several authorities share this installation, and runs are not kept in a sandbox"
            found.append(checks.Warning(text, hint=hint, id="automation.W003"))
    except DatabaseError:  # before the first migration
        return []
    return found


def check_collections(**_: Any) -> list[CheckMessage]:
    """Whether what users are told to fetch is of the Ansible that plays their playbooks, each in one version."""
    source = Path(settings.PLAYBOOKS_DIR) / "requirements.yml"
    if not source.is_file():
        return []
    text, ours = source.read_text(), ".".join(version("ansible-core").split(".")[:2])
    problems = [f"{one['name']} has no version of its own" for one in _collections(text) if not _pinned(one)]
    named = re.search(r"ansible-core (\d+\.\d+)", text)
    if named is None or named[1] != ours:
        problems.append(f"it is for ansible-core {named[1] if named else '?'}, and {ours} plays them")
    return [Error(f"{source}: {problem}", id="automation.E006") for problem in problems]


def _collections(text: str) -> list[dict[str, str]]:
    return list(yaml.safe_load(text)["collections"])


def _pinned(one: dict[str, str]) -> bool:
    return re.fullmatch(r"\d+(\.\d+)+", str(one.get("version", ""))) is not None


def check_policy(**_: Any) -> list[CheckMessage]:
    try:
        policy_file.known()
    except policy_file.PolicyError as error:
        return [Error(problem, id="automation.E002") for problem in str(error).splitlines()]
    return []


def check_remedies(**_: Any) -> list[CheckMessage]:
    try:
        remedybook.load(remedybook.FOLDER)
    except remedybook.RemedyError as error:
        return [Error(line, id="automation.E003") for line in str(error).splitlines()]
    return []


def check_declarations(**_: Any) -> list[CheckMessage]:
    """intent.toml, compliance.toml, and whether each playbook that a key names takes what it is to be given."""
    try:
        rules()
        declared = keys()
    except DeclarationError as error:
        return [Error(str(error), id="automation.E004")]
    return [
        Error(f"intent.toml: {name}: {key.playbook} takes no {key.argument!r}", id="automation.E005")
        for name, key in declared.items()
        if key.argument and not _takes(key.playbook, key.argument)
    ]


def _takes(playbook: str, argument: str) -> bool:
    try:
        return any(one.name == argument for one in get(playbook).arguments)
    except CatalogueError:  # told by `check_playbooks`, or there is none in this installation
        return True
