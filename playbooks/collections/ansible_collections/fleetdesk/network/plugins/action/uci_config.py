"""Controller-side: bring UCI packages of an OpenWrt device to a wanted state. Arguments: see the module of this name."""

from __future__ import annotations

import posixpath
import re
import secrets as randomness
import time
from dataclasses import dataclass
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible_collections.fleetdesk.network.plugins.plugin_utils import authorized_keys, mask, uci_plan, uci_scripts
from ansible_collections.fleetdesk.network.plugins.plugin_utils.device import Answer, Device, tries
from ansible_collections.fleetdesk.network.plugins.plugin_utils.uci_plan import Plan, plan, rendered, wishes
from ansible_collections.fleetdesk.network.plugins.plugin_utils.uci_text import PACKAGE

ARGUMENTS = {
    "packages": {"type": "dict", "default": {}},
    "files": {"type": "dict", "default": {}},
    "authorized_keys": {
        "type": "dict",
        "options": {name: {"type": "list", "elements": "str", "default": []} for name in ("present", "absent")},
    },
    "reload": {"type": "list", "elements": "str", "default": []},
    "confirm_timeout_s": {"type": "int", "default": 60},
    "secrets": {"type": "list", "elements": "str", "default": [], "no_log": True},
}
PATH = re.compile(r"/[A-Za-z0-9._/-]+", re.ASCII)
RESTORE_GRACE_S = 30
"""How long after the switch's time we look for the device to be back with its old configuration."""
CONFIRM_WAIT_S = 5
"""How long one confirming connection waits on the device for the reload to end."""


@dataclass(frozen=True)
class Wanted:
    packages: dict[str, Any]
    files: dict[str, str]
    reload: list[str]
    timeout_s: int
    marked: list[str]
    keys: dict[str, list[str]] | None = None
    """{present, absent}: keys that may log in; None: they are left alone."""


@dataclass(frozen=True)
class Found:
    """What the device has and what must be done to it."""

    made: Plan
    files_before: dict[str, str | None]
    files_after: dict[str, str]
    """Only those that change."""

    def sides(self) -> tuple[list[mask.Pair], list[mask.Pair]]:
        before, after = (
            [(path, self.files_before[path] or "") for path in self.files_after],
            list(self.files_after.items()),
        )
        return rendered(self.made, after=False) + before, rendered(self.made, after=True) + after

    @property
    def changes(self) -> bool:
        return bool(self.made.lines or self.files_after)


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    _hidden: list[str] = []

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        self._device = Device(self)
        try:
            self._wanted = self._arguments()
            found = self._find()
        except ValueError as error:  # a wish that cannot be, or a text that is none
            raise AnsibleActionFail(self._shown(str(error))) from error
        result["changed"] = found.changes
        before, after = found.sides()
        self._hidden = [*self._wanted.marked, *mask.secret_values([*before, *after])]
        if self._task.diff:
            result["diff"] = mask.diff(before, after, self._wanted.marked)
        if found.changes and not self._task.check_mode:
            result |= self._change(found)
        return result

    def _arguments(self) -> Wanted:
        _validated, given = self.validate_argument_spec(ARGUMENTS)
        if bad := [name for name in given["reload"] if not uci_scripts.SERVICE.fullmatch(name)]:
            raise AnsibleActionFail(f"reload: {bad[0]!r} is not the name of a service")
        for path in given["files"]:
            if not PATH.fullmatch(path) or posixpath.normpath(path) != path:
                raise AnsibleActionFail(f"files: {path!r} is not a plain absolute path")
        if bad := [name for name in given["packages"] if not PACKAGE.fullmatch(name)]:
            raise AnsibleActionFail(f"packages: {bad[0]!r} is not a name of a UCI package")
        if given["confirm_timeout_s"] < 1:
            raise AnsibleActionFail("confirm_timeout_s: at least 1")
        files = {str(path): str(text) for path, text in given["files"].items()}
        marked = [str(text) for text in given["secrets"] if text]
        self._hidden = marked
        return Wanted(
            given["packages"], files, given["reload"], given["confirm_timeout_s"], marked, given["authorized_keys"]
        )

    def _find(self) -> Found:
        wanted = self._wanted
        state, files = self._read(list(wanted.packages), [*wanted.files, *([authorized_keys.PATH] if wanted.keys else [])])
        made = plan(state, wishes(wanted.packages, state))
        texts = dict(wanted.files)
        if wanted.keys:
            texts[authorized_keys.PATH] = authorized_keys.changed(files[authorized_keys.PATH] or "", **wanted.keys)
        return Found(made, files, {path: text for path, text in texts.items() if files[path] != text})

    def _read(self, packages: list[str], files: list[str]) -> tuple[uci_plan.State, dict[str, str | None]]:
        """What is committed in these packages and stands in these files (None: there is none)."""
        mark = randomness.token_hex(8)
        answer = self._device.script(uci_scripts.reading(mark, packages, files))
        if answer.status == uci_scripts.STAGED:
            words = f"somebody has staged changes of {answer.err.strip()} on the device and not committed them"
            raise AnsibleActionFail(f"{words}; commit or revert them first")
        return uci_scripts.read(mark, answer.out)

    def _change(self, found: Found) -> dict[str, Any]:
        """Write, then prove over a fresh connection that the device is still there; else it takes everything back."""
        wanted = self._wanted
        change = uci_scripts.Change(
            randomness.token_hex(8),
            found.made.packages(),
            found.made.lines,
            found.files_after,
            wanted.reload,
            wanted.timeout_s,
        )
        self._deadline = time.monotonic() + wanted.timeout_s
        try:
            answer = self._device.script(uci_scripts.writing(change))
        except AnsibleConnectionFailure:
            answer = None  # the new configuration may have cut us off; the next connection will tell
        if answer is not None and (refusal := self._refusal(answer, change, found)):
            return refusal
        return self._confirm(change, found)

    def _refusal(self, answer: Answer, change: uci_scripts.Change, found: Found) -> dict[str, Any] | None:
        """Why the change must not be confirmed, or None."""
        words = answer.err.strip()
        if answer.status == uci_scripts.BUSY:
            return self._failed("another change on this device waits for its confirmation; nothing was written")
        if answer.status == uci_scripts.REFUSED_BY_UCI:
            return self._failed(f"uci refused the change, nothing was written: {words}")
        if answer.status != 0:
            return self._taken_back(change, found, f"the device could not write the change: {words}")
        state, _files = uci_scripts.read(change.id, answer.out)
        if any(state.get(package) != found.made.after[package] for package in change.packages):
            return self._taken_back(change, found, "the device did not store what it was given")
        return None

    def _confirm(self, change: uci_scripts.Change, found: Found) -> dict[str, Any]:
        script = uci_scripts.confirming(change.id, min(CONFIRM_WAIT_S, self._wanted.timeout_s))
        for _number in tries(self._deadline):
            answer = self._device.script_afresh(script)
            if answer is None or answer.status == uci_scripts.NOT_YET:
                continue
            if answer.status == 0:
                return {"confirmed": True}
            if answer.status == uci_scripts.RELOAD_FAILED:
                return self._taken_back(change, found, f"the reload failed: {answer.err.strip()}")
            break
        return self._taken_back(change, found, "the device was not reachable with its new configuration in time")

    def _taken_back(self, change: uci_scripts.Change, found: Found, why: str) -> dict[str, Any]:
        """Wait until the device's own switch has acted, and say what the device has now."""
        self._device.script_afresh(uci_scripts.refusing(change.id))
        for _number in tries(self._deadline + RESTORE_GRACE_S):
            answer = self._device.script_afresh(uci_scripts.settled(change.id))
            if answer is not None and answer.status == 0:
                return self._outcome(change, found, why)
        return self._failed(
            f"{why}. It has not been reachable since; its own switch puts the old configuration back"
            f" {change.timeout_s} s after the change. Whether it has rolled back could not be seen",
            rolled_back=None,
        )

    def _outcome(self, change: uci_scripts.Change, found: Found, why: str) -> dict[str, Any]:
        mark = randomness.token_hex(8)
        state, files = uci_scripts.read(
            mark, self._device.script(uci_scripts.reading(mark, change.packages, list(change.files))).out
        )
        if all(state.get(package) == found.made.before[package] for package in change.packages) and all(
            files[path] == found.files_before[path] for path in change.files
        ):
            return self._failed(f"{why}. rolled back: the device has its old configuration again", rolled_back=True)
        if all(state.get(package) == found.made.after[package] for package in change.packages) and files == change.files:
            return {"confirmed": True}  # it was confirmed, only the word of it got lost on the way
        return self._failed(f"{why}. The device has neither its old nor the new configuration", rolled_back=False)

    def _failed(self, message: str, **more: Any) -> dict[str, Any]:
        return {"failed": True, "changed": False, "msg": self._shown(message), **more}

    def _shown(self, text: str) -> str:
        return mask.masked(text, self._hidden)
