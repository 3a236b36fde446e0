"""What Fleetdesk says about playbooks: where they come from, what they promise, and the secrets that they renew."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.automation import words
from fleet.automation.catalogue.model import Expectation, Rollback
from fleet.people.roles import role_label

_SOURCE_PROBLEMS: dict[str, str | Promise] = {
    "address": gettext_lazy("This is no address of a repository."),
    "protocol": gettext_lazy("Repositories are fetched by https:// or ssh:// only."),
    "password-in-address": gettext_lazy("A password does not belong into the address. Please choose a login."),
    "branch": gettext_lazy("A branch cannot have this name."),
    "folder": gettext_lazy("This is no folder inside of the repository."),
    "credential": gettext_lazy("This login does not fit: an SSH key for ssh://, a login to git for https://."),
    "no-host-key": gettext_lazy("For ssh:// the public key of the server is needed."),
    "name-taken": gettext_lazy("There is a repository of this name already."),
    "own-source": gettext_lazy("Whoever added a repository does not approve its commits: a second administrator does."),
    "too-long-to-look-at": gettext_lazy(
        "More has changed in this file than can be shown, so nobody can agree to it. Please split it:"
    ),
    "changed-meanwhile": gettext_lazy("Something newer was fetched meanwhile. Please look at it again."),
    "not-in-order": gettext_lazy("These playbooks are not in order, so they stay out of the catalogue."),
    "too-slow": gettext_lazy("The repository did not answer in time. Nothing was changed."),
    "address-home": gettext_lazy("This address leads to Fleetdesk's own machine. Repositories are not fetched from there."),
    "no-branch": gettext_lazy("The repository has no branch of this name."),
    "login-refused": gettext_lazy("The repository does not take this login."),
    "host-key": gettext_lazy("The server shows another key than the one that was given. Nothing was fetched."),
    "git": gettext_lazy("The repository could not be read. Nothing was changed. The log of the worker says more."),
    "signature": gettext_lazy("The newest commit is not signed by anybody named here. It was not taken."),
    "submodule": gettext_lazy("The repository holds another one (a submodule). That is not taken."),
    "link": gettext_lazy("A playbook holds a symbolic link. That is not taken."),
    "folder-name": gettext_lazy("A playbook's folder is named in lower case with hyphens. This one was not taken."),
    "file-name": gettext_lazy("A file has a name that is not taken: letters, digits and . _ + @ - only."),
    "file-kind": gettext_lazy("Only ordinary files are taken."),
    "not-text": gettext_lazy("A playbook consists of text only. This file is none."),
    "too-large": gettext_lazy("This is too large: at most 1 MiB a file and 10 MiB in all."),
    "too-many-files": gettext_lazy("These are too many files: at most 2,000."),
    "no-playbook": gettext_lazy("There is no playbook in this folder of the repository."),
    "unexpected": gettext_lazy("Something went wrong that should not. The log of the worker says what."),
}


def source_problem(key: str) -> str:
    return str(_SOURCE_PROBLEMS.get(key, _SOURCE_PROBLEMS["unexpected"]))


def playbook_change(kind: str) -> str:
    return {"new": _("new"), "changed": _("changed"), "removed": _("removed")}[kind]


def risk(name: str) -> tuple[str, str]:
    """Pill and word of a risk."""
    return {"low": ("ok", _("low")), "medium": ("watch", _("medium")), "high": ("down", _("high"))}[name]


def roles(names: frozenset[str]) -> str:
    return ", ".join(sorted(role_label(name) for name in names))


def undoing(rollback: Rollback | None) -> str:
    if rollback is None:
        return _("not by itself")
    if rollback.restore_backup:
        return _("by putting back the configuration kept before")
    if rollback.playbook:
        return _("by the playbook %s") % rollback.playbook
    return _("by the same playbook, with %s") % ", ".join(f"{key} = {value}" for key, value in rollback.arguments.items())


def expectation(one: Expectation) -> str:
    """What is measured afterwards, as a sentence."""
    where = _("on the devices behind it") if one.subject == "behind" else ""
    conditions = [f"{key} = {value}" for key, value in one.when.items()] + [_("%s given") % name for name in one.given]
    when = ", ".join(conditions)
    sentences = {
        "contains": _("%(reading)s holds %(value)s"),
        "lacks": _("%(reading)s no longer holds %(value)s"),
        "equals": _("%(reading)s is %(value)s"),
        "at_least": _("%(reading)s is at least %(value)s"),
        "restarted": _("it was restarted"),
        "reachable": _("it answers"),
    }
    said = sentences[one.holds] % {"reading": words.reading(one.reading, one.holds), "value": one.value}
    return " ".join(filter(None, (said, where, f"({when})" if when else "")))


_ROTATION_PROBLEMS = {
    "kind": gettext_lazy("A credential of this kind is not renewed by playbook."),
    "no-device": gettext_lazy("No device in service uses it. Replace the secret by hand."),
    "no-playbook": gettext_lazy("There is no playbook that renews it on this platform:"),
    "running": gettext_lazy("It is being renewed already."),
    "refused": gettext_lazy("The changes for it cannot be asked for:"),
}
_TYPES = {
    "str": gettext_lazy("text"),
    "int": gettext_lazy("whole number"),
    "float": gettext_lazy("number"),
    "bool": gettext_lazy("yes or no"),
    "list": gettext_lazy("list"),
    "dict": gettext_lazy("mapping"),
    "path": gettext_lazy("path"),
}


def rotation_problem(key: str, detail: str = "") -> str:
    """Why a credential is not renewed; `detail` names the platform or what was refused."""
    return f"{_ROTATION_PROBLEMS[key]} {detail if key in {'no-playbook', 'refused'} else ''}".strip()


_PREDECESSORS = {
    "retired": gettext_lazy("is taken away by a second change, once every device answers to the new one"),
    "replaced": gettext_lazy("is gone as soon as the new one is there"),
    "stays": gettext_lazy("stays on the device, until somebody removes it by hand"),
}


def predecessor(name: str) -> str:
    """What becomes of the old secret where a playbook has brought a new one."""
    return str(_PREDECESSORS[name])


def use_problem() -> str:
    return _("For one device, leave platform and site empty.")


def argument_type(name: str) -> str:
    """Ansible's name of a type, in words."""
    return str(_TYPES.get(name, name))
