"""Controller-side: bring the lab's switch to a wanted configuration. See the module of this name for its arguments."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.fleetdesk.network.plugins.plugin_utils import mask, switch_config
from ansible_collections.fleetdesk.network.plugins.plugin_utils.device import Answer, Device

ARGUMENTS = {
    "settings": {"type": "dict", "default": {}},
    "interfaces": {"type": "dict", "default": {}},
    "poe_cycle": {"type": "str"},
    "secrets": {"type": "list", "elements": "str", "default": [], "no_log": True},
}
SHOW = "show running-config"


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, self._given = self.validate_argument_spec(ARGUMENTS)
        self._marked = [str(text) for text in self._given["secrets"] if text]
        self._hidden = self._marked
        self._device = Device(self)
        running = switch_config.parse(self._said(self._device.command(SHOW)))
        try:
            result |= self._bring(running)
            result |= self._cycle(running, result)
        except switch_config.WishError as error:
            raise AnsibleActionFail(self._shown(str(error))) from error
        return result

    def _bring(self, running: switch_config.Running) -> dict[str, Any]:
        after = switch_config.wanted(running, self._given["settings"], self._given["interfaces"])
        lines = switch_config.lines(running, after)
        before_pairs, after_pairs = switch_config.rendered(running, after), switch_config.rendered(after, running)
        self._hidden = [*self._marked, *mask.secret_values([*before_pairs, *after_pairs])]
        result: dict[str, Any] = {"changed": bool(lines)}
        if self._task.diff:
            result["diff"] = mask.diff(before_pairs, after_pairs, self._marked)
        if lines and not self._task.check_mode:
            self._write(lines, running, after)
        return result

    def _write(self, lines: list[str], before: switch_config.Running, after: switch_config.Running) -> None:
        """Configure and read back in one session; only what reads back as wanted is saved."""
        answer = self._device.typed([*lines, "end", SHOW])
        now = switch_config.parse(answer.out) if answer.status == 0 else None
        if now == after:
            self._said(self._device.command("write memory"))
            return
        self._undo(before)
        words = "\n".join(line for line in answer.out.splitlines() if line.startswith("%"))
        raise AnsibleActionFail(self._shown(f"the switch did not take the configuration, rolled back: {words}"))

    def _undo(self, before: switch_config.Running) -> None:
        now = switch_config.parse(self._said(self._device.command(SHOW)))
        if lines := switch_config.lines(now, before):
            self._said(self._device.typed(lines))

    def _cycle(self, running: switch_config.Running, result: dict[str, Any]) -> dict[str, Any]:
        """An act: it changes something every time it is asked for."""
        port = self._given["poe_cycle"]
        if port is None:
            return {}
        command = switch_config.power_cycle(running, port)
        if not self._task.check_mode:
            self._said(self._device.command(command))
        if not self._task.diff:
            return {"changed": True}
        diff = result["diff"]
        power = {"before": f"{port}: power on\n", "after": f"{port}: power off for a moment, then on\n"}
        return {"changed": True, "diff": {side: diff[side] + power[side] for side in power}}

    def _said(self, answer: Answer) -> str:
        if answer.status != 0:
            raise AnsibleActionFail(self._shown(f"the switch answered: {answer.out.strip()} {answer.err.strip()}"))
        return answer.out

    def _shown(self, text: str) -> str:
        return mask.masked(text, self._hidden)
