"""`manage.py check` looks through metrics.toml and traps.toml, so that a wrong entry never reaches a running poller."""

import dataclasses
import types
import typing
from collections.abc import Iterable
from typing import Any

from django.core.checks import CheckMessage, Error

from fleet.monitoring import metrics, trapbook
from fleet.snmp.types import Reading


def check_metrics(**_: Any) -> list[CheckMessage]:
    try:
        known = metrics.parse(metrics.FILE.read_text(), str(metrics.FILE))
    except metrics.MetricsError as error:
        return [Error(line, id="monitoring.E001") for line in str(error).splitlines()]
    return [
        Error(f"{metrics.FILE}: {metric.name}: a reading has no {metric.source}", id="monitoring.E002")
        for metric in known.values()
        if not _answers(metric.path)
    ]


def check_traps(**_: Any) -> list[CheckMessage]:
    try:
        trapbook.parse(trapbook.FILE.read_text(), str(trapbook.FILE))
    except trapbook.TrapsError as error:
        return [Error(line, id="monitoring.E003") for line in str(error).splitlines()]
    return []


def _answers(path: Iterable[str]) -> bool:
    """Whether a Reading has this path."""
    here: Any = Reading
    for name in path:
        here = _element(here)
        if not dataclasses.is_dataclass(here):
            return False
        hints = typing.get_type_hints(here)
        if name not in hints:
            return False
        here = hints[name]
    return not dataclasses.is_dataclass(_element(here))


def _element(hint: Any) -> Any:
    """`tuple[Radio, ...] | None` → Radio."""
    if isinstance(hint, types.UnionType):
        hint = next(one for one in typing.get_args(hint) if one is not type(None))
    return typing.get_args(hint)[0] if typing.get_origin(hint) is tuple else hint
