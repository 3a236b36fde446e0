"""Controller-side: bring a switch to a wanted configuration. See the module of this name for its arguments."""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.fleetdesk.network.plugins.plugin_utils import dialects, mask, radius, switch_config
from ansible_collections.fleetdesk.network.plugins.plugin_utils.device import Device
from ansible_collections.fleetdesk.network.plugins.plugin_utils.dialect import Running
from ansible_collections.fleetdesk.network.plugins.plugin_utils.session import RefusedError, Session
from ansible_collections.fleetdesk.network.plugins.plugin_utils.switch import Switch
from ansible_collections.fleetdesk.network.plugins.plugin_utils.wish import WishError

ARGUMENTS = {
    "dialect": {"type": "str", "default": "labswitch"},
    "settings": {"type": "dict", "default": {}},
    "entries": {"type": "dict", "default": {}},
    "interfaces": {"type": "dict", "default": {}},
    "radius": {
        "type": "dict",
        "options": {
            "address": {"type": "str", "required": True},
            "port": {"type": "int", "default": 1812},
            "secret": {"type": "str", "required": True, "no_log": True},
            "replaces": {"type": "str", "default": ""},
        },
    },
    "poe_cycle": {"type": "str"},
    "power_off_s": {"type": "int", "default": 5},
    "enable_secret": {"type": "str", "default": "", "no_log": True},
    "secrets": {"type": "list", "elements": "str", "default": [], "no_log": True},
}


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    _switch: Switch | None = None

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, self._given = self.validate_argument_spec(ARGUMENTS)
        self._marked = [str(text) for text in [*self._given["secrets"], self._given["enable_secret"]] if text]
        try:
            self._dialect = dialects.named(self._given["dialect"])
            self._session = Session(Device(self), self._dialect, self._given["enable_secret"])
            self._switch = switch = Switch(self._session, self._task.check_mode, self._task.diff, self._marked)
            running = self._session.running(tables=bool(self._given["interfaces"]))
            asked = (self._given[name] for name in ("settings", "interfaces", "entries"))
            after = switch_config.wanted(self._dialect, running, *asked)
            if asked_server := self._given["radius"]:
                self._marked.append(asked_server["secret"])
                after.radius = radius.wanted(running.radius, radius.Wish(**asked_server))
            result |= switch.bring(running, after)
            result |= self._cycle(running, result)
        except (WishError, RefusedError) as error:
            raise AnsibleActionFail(self._shown(str(error))) from error
        return result

    def _cycle(self, running: Running, result: dict[str, Any]) -> dict[str, Any]:
        """An act: it changes something every time it is asked for."""
        port = self._given["poe_cycle"]
        if port is None:
            return {}
        off, on = switch_config.power_lines(self._dialect, running, port)
        if not self._task.check_mode:
            self._power(off, on)
        if not self._task.diff:
            return {"changed": True}
        name, diff = switch_config.known_port(self._dialect, running, port), result["diff"]
        power = {"before": f"{name}: power on\n", "after": f"{name}: power off for a moment, then on\n"}
        return {"changed": True, "diff": {side: diff[side] + power[side] for side in power}}

    def _power(self, off: list[str], on: list[str]) -> None:
        """What is switched off is not saved: even a switch that we lose in between has its power again after a restart."""
        self._session.obeyed(off)
        if on:
            time.sleep(self._given["power_off_s"])
            self._session.obeyed(on)

    def _shown(self, text: str) -> str:
        return mask.masked(text, self._switch.hidden or self._marked if self._switch else self._marked)
