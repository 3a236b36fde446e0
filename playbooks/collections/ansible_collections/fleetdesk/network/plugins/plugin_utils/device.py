"""The device at the other end of Ansible's connection: scripts by standard input, commands, fresh connections."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

PAUSE_S = 0.5


@dataclass(frozen=True)
class Answer:
    status: int
    out: str
    err: str


class Device:
    """Every call is one round trip. Raises AnsibleConnectionFailure when the device cannot be reached."""

    def __init__(self, action: ActionBase) -> None:
        self._action = action
        # What devices answer holds keys; without this, -vvv prints it.
        action._connection._play_context.no_log = True

    def script(self, script: str, *, become: bool = False) -> Answer:
        """Run a shell script. It goes through standard input: no limit of length, nothing to see in `ps`.

        `become`: as the user that the task says, where it says one.
        """
        return self._execute("sh -s", script.encode(), become=become)

    def command(self, command: str) -> Answer:
        return self._execute(command, None)

    def typed(self, lines: Sequence[str]) -> Answer:
        """Lines for a device whose shell is a command line of its own. By standard input too: they may hold secrets."""
        text = "".join(f"{line}\n" for line in lines)
        status, out, err = self._action._connection.exec_command("", in_data=text.encode(), sudoable=False)
        return Answer(status, out.decode(errors="replace"), err.decode(errors="replace"))

    def _execute(self, command: str, stdin: bytes | None, *, become: bool = False) -> Answer:
        done = self._action._low_level_execute_command(command, sudoable=become, in_data=stdin, executable=False)
        return Answer(done["rc"], done["stdout"], done["stderr"])

    def script_afresh(self, script: str) -> Answer | None:
        """The same over a new connection; None when there is none to be had."""
        self._action._connection.reset()
        try:
            return self.script(script)
        except AnsibleConnectionFailure:
            return None


def tries(until_s: float) -> Iterator[int]:
    """Counts up, with a pause between two tries, until the monotonic clock shows `until_s`; once at least."""
    number = 0
    while number == 0 or time.monotonic() < until_s:
        yield number
        number += 1
        time.sleep(PAUSE_S)
