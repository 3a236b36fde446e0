"""Controller-side: bring an OpenWrt device to another firmware, in two steps. See the module of this name."""

from __future__ import annotations

import re
import secrets as randomness
import time
from contextlib import suppress
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible_collections.fleetdesk.network.plugins.plugin_utils import firmware
from ansible_collections.fleetdesk.network.plugins.plugin_utils.device import Device, tries

ARGUMENTS = {
    "version": {"type": "str", "required": True},
    "url": {"type": "str", "required": True},
    "sha256": {"type": "str", "required": True},
    "install": {"type": "bool", "default": False},
    "timeout_s": {"type": "int", "default": 420},
}


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, given = self.validate_argument_spec(ARGUMENTS)
        try:
            self._image = firmware.image(given["version"], given["url"], given["sha256"])
        except ValueError as error:
            raise AnsibleActionFail(str(error)) from error
        self._device = Device(self)
        before = self._look()
        after = before.after(self._image, install=given["install"])
        result["changed"] = after != before
        if self._task.diff:
            result["diff"] = {"before": before.text(), "after": after.text()}
        if result["changed"] and not self._task.check_mode:
            self._bring(before, install=given["install"], timeout_s=given["timeout_s"])
        return result

    def _look(self) -> firmware.State:
        return firmware.read(self._said(firmware.looking(self._image)))

    def _bring(self, before: firmware.State, *, install: bool, timeout_s: int) -> None:
        if not before.staged:
            self._said(firmware.fetching(self._image))
        if install:
            self._install(timeout_s)

    def _install(self, timeout_s: int) -> None:
        """The image is checked once more by the device itself; what lies in its memory is gone when it has restarted."""
        mark = f"/tmp/fleetdesk-{randomness.token_hex(8)}"  # noqa: S108 - a path on the device
        began = time.monotonic()
        self._said(firmware.checking())
        with suppress(AnsibleConnectionFailure):  # it may be gone before it has answered
            self._device.script(firmware.installing(mark))
        for _number in tries(began + timeout_s):
            answer = self._device.script_afresh(firmware.returned(mark, self._image))
            if answer is not None and answer.status == 0:
                now = firmware.read(answer.out)
                if now.version == self._image.version:
                    return
                raise AnsibleActionFail(f"the device has restarted with version {now.version!r}")
        raise AnsibleActionFail(f"the device did not come back within {timeout_s} s")

    def _said(self, script: str) -> str:
        answer = self._device.script(script)
        if answer.status != 0:
            words = re.sub(r"\s+", " ", answer.err).strip()
            raise AnsibleActionFail(f"{firmware.WHY.get(answer.status, 'the device answered')}: {words}")
        return answer.out
