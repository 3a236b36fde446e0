"""Who listens to what. Upper rooms register in their `AppConfig.ready`; this room names nobody."""

from collections.abc import Callable
from dataclasses import dataclass

from fleet.events.models import Event

Handler = Callable[[Event], None]


@dataclass(frozen=True)
class Consumer:
    name: str
    """Stable for ever: it is the key under which consumption is remembered."""
    events: frozenset[str] | None
    """None: all of them."""
    handle: Handler


_consumers: dict[str, Consumer] = {}


def register(name: str, events: set[str] | None, handle: Handler) -> None:
    """`handle(event)` runs inside the transaction that marks the event consumed; it must do no network I/O."""
    _consumers[name] = Consumer(name, None if events is None else frozenset(events), handle)


def registered() -> list[Consumer]:
    return sorted(_consumers.values(), key=lambda consumer: consumer.name)
