"""ansible-runner's own display, under the name by which ansible-runner calls it, without the events that nobody reads.

Each event costs Ansible's one main process about what a fork costs it. That a host was begun with is needed once: the first
announcement of a task says it. What a task has changed stands in its result, and needs no event of its own.
"""

from typing import Any

from ansible_runner.display_callback.callback.awx_display import CallbackModule as Display

DOCUMENTATION = """
    name: awx_display
    short_description: Events for ansible-runner
    description:
      - Tells ansible-runner what happens; of the beginning of tasks only the first of each host, and differences once.
    type: stdout
    extends_documentation_fragment:
      - default_callback
"""


class CallbackModule(Display):  # type: ignore[misc]  # ansible-runner has no types
    def __init__(self) -> None:
        super().__init__()
        self._begun: set[str] = set()

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        if host.name not in self._begun:
            self._begun.add(host.name)
            super().v2_runner_on_start(host, task)

    def v2_on_file_diff(self, result: Any) -> None:
        """It is in what `v2_runner_on_ok` tells."""
