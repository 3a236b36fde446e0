"""ansible-runner's own display, under the name by which ansible-runner calls it, without the events that nobody reads.

Each event costs Ansible's one main process about what a fork costs it. That a host was begun with is needed once: the first
announcement of a task says it. What a task has changed stands in its result, and needs no event of its own.

Ansible forks a process for each host and task, and what such a process loads and compiles is gone with it. Here, in the main
process, it is done once beforehand and inherited by all: the play's templates are compiled, and their filters, tests and
lookups loaded. Nothing is evaluated, for that may have effects and belongs to one host.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.loader import filter_loader, lookup_loader, test_loader
from ansible_runner.display_callback.callback.awx_display import CallbackModule as Display

try:  # Ansible promises none of these; without them a run takes longer, and that is all
    from ansible._internal._templating._engine import TemplateEngine, TemplateOptions
    from ansible._internal._templating._jinja_bits import (
        _TEMPLATE_OVERRIDE_FIELD_NAMES,
        AnsibleEnvironment,
        _TemplateCompileContext,
    )
except ImportError:
    TemplateEngine = None

DOCUMENTATION = """
    name: awx_display
    short_description: Events for ansible-runner
    description:
      - Tells ansible-runner what happens; of the beginning of tasks only the first of each host, and differences once.
    type: stdout
    extends_documentation_fragment:
      - default_callback
"""
LOOKUP = re.compile(r"""\b(?:lookup|query|q)\(\s*['"]([\w.]+)['"]""")
MOST_COMPILED = 2000
"""Templates whose code is kept: more than any playbook has, fewer than a loop over many texts can make."""


class CallbackModule(Display):  # type: ignore[misc]  # ansible-runner has no types
    def __init__(self) -> None:
        super().__init__()
        self._begun: set[str] = set()
        self._borne = False
        if TemplateEngine:
            keep_compiled(AnsibleEnvironment)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        super().v2_playbook_on_play_start(play)
        if TemplateEngine:
            prepare(play)

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        if host.name not in self._begun:
            self._begun.add(host.name)
            super().v2_runner_on_start(host, task)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._borne = bool(result.task_fields.get("ignore_unreachable"))
        super().v2_runner_on_unreachable(result)
        self._borne = False

    def capture_event_data(self, event: str, **event_data: Any) -> Any:
        """ansible-runner tells where a failure is borne (`ignore_errors`), and not where silence is."""
        borne = {"ignore_errors": True} if self._borne else {}
        return super().capture_event_data(event, **event_data | borne)

    def v2_on_file_diff(self, result: Any) -> None:
        """It is in what `v2_runner_on_ok` tells."""


def keep_compiled(environment: Any) -> None:
    """Let this class of Jinja environments remember the code of each text that it has compiled.

    The code depends on the text, on where templates begin and end, and on whether backslashes are escaped; on no variable.
    """
    compile_anew = environment.compile
    kept: dict[tuple[Any, ...], Any] = {}

    def compiled(self: Any, source: Any, *how: Any, **named: Any) -> Any:
        if how or named or not isinstance(source, str):
            return compile_anew(self, source, *how, **named)
        context = _TemplateCompileContext.current(optional=True)
        escapes = context is not None and context.escape_backslashes
        key = str(source), escapes, *(getattr(self, name) for name in _TEMPLATE_OVERRIDE_FIELD_NAMES)
        code = kept.get(key)
        if code is None:
            code = compile_anew(self, source)
            if len(kept) < MOST_COMPILED:
                kept[key] = code
        return code

    environment.compile = compiled


def prepare(play: Any) -> None:
    """What the play's processes would load and compile, each for itself. What is wrong in it, they say when they need it."""
    for loader in (filter_loader, test_loader):
        list(loader.all())
    engine = TemplateEngine(loader=play.get_loader())
    for text in _texts(play.vars, *_written(play.pre_tasks + play.tasks + play.post_tasks + play.handlers)):
        if "{{" in text or "{%" in text:
            engine._compile_template(text, TemplateOptions.DEFAULT)
            for name in LOOKUP.findall(text):
                with suppress(AnsibleError):
                    lookup_loader.get(name, class_only=True)


def _written(tasks: Iterable[Any]) -> Iterator[Any]:
    """Variables and arguments of these tasks and of the blocks' tasks, as they stand in the playbook."""
    for task in tasks:
        yield task.vars
        if hasattr(task, "block"):
            yield from _written(task.block + task.rescue + task.always)
        else:
            yield task.args


def _texts(*values: Any) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from _texts(*value.values())
        elif isinstance(value, list | tuple):
            yield from _texts(*value)
