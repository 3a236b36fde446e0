"""One switch at the other end of Ansible's connection, spoken to in its dialect. One round trip for each call."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .device import Device
from .dialect import UNPRIVILEGED, Dialect, Running
from .wish import WishError


class RefusedError(Exception):
    """The switch answered with an error; the message is what it said."""


class Session:
    """Raises AnsibleConnectionFailure when the switch cannot be reached, RefusedError when it refuses what is typed."""

    def __init__(self, device: Device, dialect: Dialect, enable_secret: str = "") -> None:
        self._device, self.dialect = device, dialect
        self._secret = enable_secret
        self._preamble: tuple[str, ...] = dialect.preamble

    def shown(self, *, tables: bool = False) -> str:
        """What it shows: its running configuration, after its tables of VLANs and neighbours where asked for."""
        asked = [*(self.dialect.tables if tables else ()), self.dialect.show]
        out = self.typed(asked)
        if self._secret and self._preamble == self.dialect.preamble and UNPRIVILEGED.search(out):
            # Only now: a secret typed where nobody asks for it would be looked up as a host name.
            self._preamble = ("enable", self._secret, *self.dialect.preamble)
            out = self.typed(asked)
        return out

    def running(self, *, tables: bool = False) -> Running:
        return self.dialect.parse(self.shown(tables=tables))

    def configured(self, lines: Sequence[str]) -> tuple[Running | None, str]:
        """Type lines and read back in one session: what runs now (None: not to be seen), and what was refused."""
        out = self.typed([*lines, self.dialect.show])
        try:
            return self.dialect.parse(out), self.refusals(out)
        except WishError:
            return None, self.refusals(out)

    def obeyed(self, lines: Sequence[str]) -> None:
        if words := self.refusals(self.typed(lines)):
            raise RefusedError(words)

    def save(self) -> None:
        self.obeyed(self.dialect.save)

    def typed(self, lines: Sequence[str]) -> str:
        answer = self._device.typed([*self._preamble, *lines, *self.dialect.leave])
        return answer.out

    def refusals(self, out: str) -> str:
        return "\n".join(re.findall(self.dialect.refused, out.replace("\r", ""), re.MULTILINE))
