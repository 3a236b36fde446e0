"""Finding one value in a reading: `wireless.ssids`, `poe[ifIndex=3].status`."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

STEP = re.compile(r"(\w+)(?:\[(\w+)=([^\[\]]*)\])?")
DOT_OUTSIDE_BRACKETS = re.compile(r"\.(?![^\[]*\])")
PLACEHOLDER = re.compile(r"\{(\w+)\}")


class PathError(ValueError):
    """The path cannot be read."""


@dataclass(frozen=True)
class Step:
    """Into `name`; with `key`, to that row of a list whose `key` is `wanted`."""

    name: str
    key: str | None = None
    wanted: str = ""


def parse(path: str) -> tuple[Step, ...]:
    """The steps of a path as a manifest writes it. Raises PathError."""
    matches = [STEP.fullmatch(part) for part in DOT_OUTSIDE_BRACKETS.split(path)]
    if not all(matches):
        raise PathError(f"{path!r} is no path into a reading")
    return tuple(Step(match[1], match[2], match[3] or "") for match in matches if match)


def filled(text: str, arguments: Mapping[str, Any]) -> str:
    """Each `{name}` replaced once; what is put in is never looked into again."""
    return PLACEHOLDER.sub(lambda match: str(arguments.get(match[1], "")), text)


def fill(steps: Iterable[Step], arguments: Mapping[str, Any]) -> tuple[Step, ...]:
    """With arguments put in after parsing: a value full of dots and brackets still selects one row and is no path."""
    return tuple(replace(step, wanted=filled(step.wanted, arguments)) for step in steps)


def find(reading: Any, steps: Iterable[Step]) -> Any:
    """The value at the end of the steps; None where the device does not say."""
    here = reading
    for step in steps:
        here = here.get(step.name) if isinstance(here, dict) else None
        if step.key is not None:
            rows = here if isinstance(here, list) else ()
            here = next((row for row in rows if isinstance(row, dict) and str(row.get(step.key)) == step.wanted), None)
    return here
