"""Controller-side: bring a RouterOS device to a base configuration. See the module of this name for its arguments."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.fleetdesk.network.plugins.plugin_utils import mask, routeros
from ansible_collections.fleetdesk.network.plugins.plugin_utils.device import Device
from ansible_collections.fleetdesk.network.plugins.plugin_utils.router import Router
from ansible_collections.fleetdesk.network.plugins.plugin_utils.routeros import RouterError

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
        hidden = [given["community"]] if given["community"] else []
        router = Router(Device(self), self._task.check_mode, self._task.diff, hidden)
        try:
            now = router.read()
            return result | router.bring(now, routeros.wanted(now, {name: given[name] for name in ARGUMENTS}))
        except RouterError as error:
            raise AnsibleActionFail(mask.masked(str(error), router.hidden)) from error
