"""Who listens to what. Upper rooms register in their `AppConfig.ready`; this room names nobody."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from fleet.events.models import Event

Handler = Callable[[Event], None]
Sieve = Callable[[Sequence[Event]], Collection[int]]


@dataclass(frozen=True)
class Consumer:
    name: str
    """Stable for ever: it is the key under which consumption is remembered."""
    events: frozenset[str] | None
    """None: all of them."""
    handle: Handler
    concerned: Sieve | None = None
    """Which events of a batch (their keys) there is anything to do for, in a few queries for all; None: each may be one."""


_consumers: dict[str, Consumer] = {}


def register(name: str, events: set[str] | None, handle: Handler, concerned: Sieve | None = None) -> None:
    """`handle(event)` runs inside the transaction that marks the event consumed; it must do no network I/O.

    What `concerned` leaves out is marked consumed without it. It is asked before any event of the batch is handled, so it
    counts what the earlier ones may bring about for the later ones.
    """
    _consumers[name] = Consumer(name, None if events is None else frozenset(events), handle, concerned)


def registered() -> list[Consumer]:
    return sorted(_consumers.values(), key=lambda consumer: consumer.name)
