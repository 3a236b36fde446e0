"""Controller-side: restart an OpenWrt device and prove it. See the module of this name for its arguments."""

from __future__ import annotations

import secrets as randomness
import time
from contextlib import suppress
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible_collections.fleetdesk.network.plugins.plugin_utils.device import Device, tries

ARGUMENTS = {"timeout_s": {"type": "int", "default": 180}}
STILL_RUNNING = 3
LOOK = "read up rest </proc/uptime; echo $up; exit 0\n"


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, given = self.validate_argument_spec(ARGUMENTS)
        self._device = Device(self)
        answer = self._device.script(LOOK)
        if answer.status != 0:
            raise AnsibleActionFail(f"the device does not say how long it has been running: {answer.err.strip()}")
        result["changed"] = True
        if self._task.diff:
            running = f"running for {answer.out.partition('.')[0].strip()} s\n"
            result["diff"] = {"before": running, "after": "restarted\n"}
        if not self._task.check_mode:
            result["seconds"] = self._restart(given["timeout_s"])
        return result

    def _restart(self, timeout_s: int) -> int:
        """Seconds from the order until the device answers again. /tmp is memory there: a restart forgets our mark."""
        mark = f"/tmp/fleetdesk-{randomness.token_hex(8)}"  # noqa: S108 - a path on the device
        began = time.monotonic()
        with suppress(AnsibleConnectionFailure):  # it may be gone before it has answered
            self._device.script(f": >{mark}\n(trap '' HUP; sleep 1; reboot) </dev/null >/dev/null 2>&1 &\nexit 0\n")
        for _number in tries(began + timeout_s):
            answer = self._device.script_afresh(f"[ ! -e {mark} ] || exit {STILL_RUNNING}\nexit 0\n")
            if answer is not None and answer.status == 0:
                return round(time.monotonic() - began)
        raise AnsibleActionFail(f"the device did not come back within {timeout_s} s after the restart was asked for")
