"""Named places on a lower room's page that upper rooms fill: `register("device", "tickets", Panel(...))`.

The page says `{% slot "device" device.pk %}`; each panel comes by HTMX from `/panels/device/tickets/<pk>/`, which asks the
panel's own `context` whether this person may see it. Without JavaScript the panel's name is a link to the same address.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise


@dataclass(frozen=True)
class Panel:
    context: Callable[[Any, int], dict[str, Any] | None]
    """(user, pk) -> what the template shows; None where this person may not see it, or where there is no such thing."""
    template: str
    order: int = 50
    title: str | Promise = ""
    """What is being waited for, and the link's text without JavaScript."""
    action: str | None = None
    """Offered only to whoever may do this anywhere (fleet.people.rules.Action); `context` still decides on the object."""


_panels: dict[str, dict[str, Panel]] = {}
_above: dict[str, str] = {}


def register(slot: str, name: str, panel: Panel) -> None:
    _panels.setdefault(slot, {})[name] = panel


def panel(slot: str, name: str) -> Panel | None:
    return _panels.get(slot, {}).get(name)


def panels(slot: str) -> Sequence[tuple[str, Panel]]:
    return sorted(_panels.get(slot, {}).items(), key=lambda entry: (entry[1].order, entry[0]))


def register_above(name: str, url_name: str) -> None:
    """A fragment above the list `name`: the page at `url_name`, which takes `name` and is told the list's query as `of`."""
    _above[name] = url_name


def above(name: str) -> str:
    """Its address; "" where there is none."""
    return reverse(_above[name], args=[name]) if name in _above else ""
