"""Controller-side: fetch or put back a device's whole configuration. See the module of this name for its arguments."""

from __future__ import annotations

import secrets as randomness
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.fleetdesk.network.plugins.action.uci_config import ActionModule as UciConfig
from ansible_collections.fleetdesk.network.plugins.action.uci_config import Found, Wanted
from ansible_collections.fleetdesk.network.plugins.plugin_utils import (
    configuration,
    dialects,
    mask,
    routeros,
    server_files,
    switch_config,
    uci_scripts,
)
from ansible_collections.fleetdesk.network.plugins.plugin_utils.device import Answer, Device
from ansible_collections.fleetdesk.network.plugins.plugin_utils.router import Router
from ansible_collections.fleetdesk.network.plugins.plugin_utils.routeros import RouterError
from ansible_collections.fleetdesk.network.plugins.plugin_utils.session import RefusedError, Session
from ansible_collections.fleetdesk.network.plugins.plugin_utils.switch import Switch
from ansible_collections.fleetdesk.network.plugins.plugin_utils.uci_plan import Plan
from ansible_collections.fleetdesk.network.plugins.plugin_utils.uci_text import UciTextError
from ansible_collections.fleetdesk.network.plugins.plugin_utils.wish import WishError

ARGUMENTS = {
    "platform": {"type": "str", "required": True},
    "text": {"type": "str", "no_log": True},
    "enable_secret": {"type": "str", "default": "", "no_log": True},
    "confirm_timeout_s": {"type": "int", "default": 60},
    "root": {"type": "str", "default": ""},
}
RESULT = "fleetdesk_configuration"


class ActionModule(UciConfig):
    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = ActionBase.run(self, tmp, task_vars)
        _validated, self._given = self.validate_argument_spec(ARGUMENTS)
        self._device, self._hidden = Device(self), []
        try:
            return result | (self._fetched() if self._given["text"] is None else self._put_back())
        except (UciTextError, WishError, RefusedError, RouterError) as error:
            raise AnsibleActionFail(self._shown(str(error))) from error

    def _fetched(self) -> dict[str, Any]:
        platform = self._given["platform"]
        if platform == "openwrt":
            text = self._uci_text()
        elif platform == "routeros":
            text = self._good(self._device.command(routeros.EXPORT))
        elif platform == "linux":
            text = self._good(self._device.script(server_files.fetching(self._given["root"]), become=True))
        else:
            session = self._session()
            text = session.dialect.cut(session.shown())
        if not text.strip():
            raise AnsibleActionFail("the device showed an empty configuration")
        return {"changed": False, RESULT: text}

    def _put_back(self) -> dict[str, Any]:
        put_back = {"openwrt": self._uci, "routeros": self._router, "linux": self._server}
        return put_back.get(self._given["platform"], self._switch)(self._given["text"])

    def _good(self, answer: Answer) -> str:
        if answer.status != 0:
            raise AnsibleActionFail(f"the device does not show its configuration: {answer.err.strip()}")
        return answer.out

    # OpenWrt ----------------------------------------------------------------------------------------------------------

    def _uci_text(self) -> str:
        mark = randomness.token_hex(8)
        answer = self._device.script(configuration.fetching(mark, f"{uci_scripts.ROOM}.none"))
        return configuration.document(mark, self._good(answer))

    def _uci(self, text: str) -> dict[str, Any]:
        """Whole files in place behind the dead-man's switch, only of packages that differ; none is taken away."""
        now = self._uci_text()
        had, want = configuration.packages(now), configuration.packages(text)
        if not want:
            raise AnsibleActionFail("the kept configuration holds no package")
        if missing := sorted(want.keys() - had.keys()):
            raise AnsibleActionFail(f"the device has no UCI package {missing[0]}")
        changed = sorted(name for name in want if had[name] != want[name])
        had_files, want_files = configuration.files(now), configuration.files(text)
        files = {path: body for path, body in want_files.items() if had_files.get(path) != body}
        before = configuration.pairs({name: had[name] for name in changed})
        after = configuration.pairs({name: want[name] for name in changed})
        answer = self._sides(
            [*configuration.differing(before, after), *((path, had_files.get(path, "")) for path in files)],
            [*configuration.differing(after, before), *files.items()],
        )
        answer["changed"] = bool(changed or files)
        if answer["changed"] and not self._task.check_mode:
            files |= {f"/etc/config/{name}": configuration.serialised(want[name]) for name in changed}
            reload = [service for name in changed for service in configuration.SERVICES.get(name, [])]
            self._wanted = Wanted({}, files, reload, self._given["confirm_timeout_s"], [])
            _state, there = self._read(changed, list(files))
            answer |= self._change(Found(Plan({}, {}), there, files))
        return answer

    def _sides(self, before: list[configuration.Pair], after: list[configuration.Pair]) -> dict[str, Any]:
        self._hidden = mask.secret_values([*before, *after])
        return {"diff": mask.diff(before, after, self._hidden)} if self._task.diff else {}

    # RouterOS and servers ---------------------------------------------------------------------------------------------

    def _router(self, text: str) -> dict[str, Any]:
        """What we configure becomes so again; all else stays as it is."""
        router = Router(self._device, self._task.check_mode, self._task.diff)
        try:
            return router.bring(router.read(), routeros.read(text))
        finally:
            self._hidden = router.hidden

    @staticmethod
    def _server(text: str) -> dict[str, Any]:
        """What Ansible's own modules are to put in place: they write a file as a whole or not at all."""
        return {"changed": False, "files": server_files.to_put_back(text)}

    # Switches ---------------------------------------------------------------------------------------------------------

    def _session(self) -> Session:
        return Session(self._device, dialects.named(self._given["platform"]), self._given["enable_secret"])

    def _switch(self, text: str) -> dict[str, Any]:
        """What we know in the text becomes so again; what we do not know stays as it is."""
        marked = [secret for secret in [self._given["enable_secret"]] if secret]
        switch = Switch(self._session(), self._task.check_mode, self._task.diff, marked)
        running = switch.session.running(tables=True)
        try:
            return switch.bring(running, switch_config.restored(switch.session.dialect, running, text))
        finally:
            self._hidden = switch.hidden or marked
