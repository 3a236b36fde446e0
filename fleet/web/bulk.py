"""What upper rooms offer for many devices at once, as buttons under the list of devices: `register(BulkAct(...))`."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise


@dataclass(frozen=True)
class BulkAct:
    label: str | Promise
    url_name: str
    """Answers a POST with the marked `device`s, or with `all` and the list's filter in `query`."""
    icon: str
    action: str
    """Offered only to whoever may do this anywhere (fleet.people.rules.Action)."""


_acts: list[BulkAct] = []


def register(act: BulkAct) -> None:
    if act not in _acts:
        _acts.append(act)


def offered(user: Any) -> list[BulkAct]:
    return [act for act in _acts if user.access.anywhere(act.action)]
