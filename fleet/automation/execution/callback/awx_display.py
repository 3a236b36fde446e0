"""ansible-runner's own display, under the name by which ansible-runner calls it, without the events that nobody reads.

Each event costs Ansible's one main process what a fork costs it, and a tenth of a rollout were announcements that a task
begins on a host. That a host was begun with is needed once: the first announcement of each says it.
"""

from typing import Any

from ansible_runner.display_callback.callback.awx_display import CallbackModule as Display

DOCUMENTATION = """
    name: awx_display
    short_description: Events for ansible-runner
    description:
      - Tells ansible-runner what happens, and of the beginning of tasks only the first of each host.
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
