"""One RouterOS device brought from what it has to what is wanted: sent, read back, and taken back if refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from . import mask, routeros
from .device import Device
from .routeros import RouterError, Settings


@dataclass
class Router:
    """`check`: read and compare alone; `diff`: tell both sides."""

    device: Device
    check: bool
    diff: bool
    hidden: list[str] = field(default_factory=list)
    """What must not stand in any message."""

    def read(self) -> Settings:
        return routeros.read(self.device.command(routeros.EXPORT).out)

    def bring(self, now: Settings, after: Settings) -> dict[str, Any]:
        """The task's result. Raises RouterError when the device did not take it; then it is as it was."""
        before_pairs, after_pairs = routeros.shown(now, after), routeros.shown(after, now)
        self.hidden += mask.secret_values([*before_pairs, *after_pairs])
        result: dict[str, Any] = {"changed": after != now}
        if self.diff:
            result["diff"] = mask.diff(before_pairs, after_pairs, self.hidden)
        if after != now and not self.check:
            self._write(now, after)
        return result

    def _write(self, before: Settings, after: Settings) -> None:
        """One command that holds all; what the device has then decides, for it goes on after what it refuses."""
        said = self._sent(before, after)
        now = self.read()
        if now == after:
            return
        self._sent(now, before)
        if self.read() != before:
            raise RouterError(f"the device has neither its old nor the new configuration: {said}")
        raise RouterError(f"the device did not take the configuration, rolled back: {said}")

    def _sent(self, before: Settings, after: Settings) -> str:
        return self.device.command("\n".join(routeros.commands(before, after))).out.strip()
