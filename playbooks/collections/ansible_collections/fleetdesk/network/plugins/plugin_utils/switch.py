"""One switch brought from what runs to what is wanted: typed, read back, and saved or taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from . import mask, switch_config
from .dialect import Running
from .session import RefusedError, Session


@dataclass
class Switch:
    """`check`: read and compare alone; `diff`: tell both sides; `marked`: values that are never shown."""

    session: Session
    check: bool
    diff: bool
    marked: Sequence[str] = ()
    hidden: list[str] = field(default_factory=list)
    """What must not stand in any message: the marked ones, and the secrets that the configuration itself names."""

    def bring(self, running: Running, after: Running) -> dict[str, Any]:
        """The task's result. Raises RefusedError when the switch did not take it; then it is as it was."""
        dialect = self.session.dialect
        lines = switch_config.lines(dialect, running, after)
        before_pairs = switch_config.rendered(dialect, running, after)
        after_pairs = switch_config.rendered(dialect, after, running)
        self.hidden = [*self.marked, *mask.secret_values([*before_pairs, *after_pairs])]
        result: dict[str, Any] = {"changed": bool(lines)}
        if self.diff:
            result["diff"] = mask.diff(before_pairs, after_pairs, list(self.marked))
        if lines and not self.check:
            self._write(lines, running, after)
        return result

    def _write(self, lines: list[str], before: Running, after: Running) -> None:
        """Configure and read back in one session; only what reads back as wanted is saved."""
        now, refused = self.session.configured(lines)
        if now == after and not refused:
            self.session.save()
            return
        self._undo(before)
        raise RefusedError(f"the switch did not take the configuration, rolled back: {refused}")

    def _undo(self, before: Running) -> None:
        now = self.session.running()
        if lines := switch_config.lines(self.session.dialect, now, before):
            after, refused = self.session.configured(lines)
            if after != before:
                raise RefusedError(f"the switch has neither its old nor the new configuration: {refused}")
