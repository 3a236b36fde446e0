"""Controller-side: bring a RouterOS device to a base configuration. See the module of this name for its arguments."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.fleetdesk.network.plugins.plugin_utils import mask, routeros
from ansible_collections.fleetdesk.network.plugins.plugin_utils.device import Device
from ansible_collections.fleetdesk.network.plugins.plugin_utils.routeros import RouterError, Settings

ARGUMENTS = {
    "ntp_servers": {"type": "list", "elements": "str"},
    "syslog_host": {"type": "str"},
    "contact": {"type": "str"},
    "community": {"type": "str", "no_log": True},
    "banner": {"type": "str"},
}


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, given = self.validate_argument_spec(ARGUMENTS)
        self._device, self._hidden = Device(self), [given["community"]] if given["community"] else []
        try:
            now = self._read()
            after = routeros.wanted(now, {name: given[name] for name in ARGUMENTS})
            before_pairs, after_pairs = routeros.shown(now, after), routeros.shown(after, now)
            self._hidden += mask.secret_values([*before_pairs, *after_pairs])
            result["changed"] = after != now
            if self._task.diff:
                result["diff"] = mask.diff(before_pairs, after_pairs, self._hidden)
            if result["changed"] and not self._task.check_mode:
                self._write(now, after)
        except RouterError as error:
            raise AnsibleActionFail(mask.masked(str(error), self._hidden)) from error
        return result

    def _read(self) -> Settings:
        return routeros.read(self._device.command(routeros.EXPORT).out)

    def _write(self, before: Settings, after: Settings) -> None:
        """One command that holds all; what the device has then decides, for it goes on after what it refuses."""
        said = self._sent(before, after)
        now = self._read()
        if now == after:
            return
        self._sent(now, before)
        if self._read() != before:
            raise RouterError(f"the device has neither its old nor the new configuration: {said}")
        raise RouterError(f"the device did not take the configuration, rolled back: {said}")

    def _sent(self, before: Settings, after: Settings) -> str:
        return self._device.command("\n".join(routeros.commands(before, after))).out.strip()
