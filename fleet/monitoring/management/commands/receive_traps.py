"""`manage.py receive_traps`: listens for notifications from devices until it is told to stop."""

import asyncio
import contextlib
import logging
import queue
import signal
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, close_old_connections

from fleet.monitoring import trapbook
from fleet.monitoring.services import traps
from fleet.monitoring.services.traps import Notice
from fleet.snmp.errors import SnmpUnreachable
from fleet.snmp.traps import Trap, listen
from fleet.snmp.types import Credential

log = logging.getLogger(__name__)
SNMP_TRAP_ADDRESS = "1.3.6.1.6.3.18.1.3.0"
"""SNMP-COMMUNITY-MIB, RFC 3584: the agent's own address, in a translated v1 trap and in what a relay passes on."""
WAITING = 1000
"""Notifications kept while the database is busy; in a storm those beyond are dropped, the next poll sees all anyway."""
GATHER_S = 0.3
READ_CREDENTIALS_S = 60.0

Waiting = queue.Queue[Notice]


class Command(BaseCommand):
    help = "Listens for SNMP traps and informs, notes them and has their devices polled at once."

    def handle(self, *_args: Any, **_options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        waiting: Waiting = queue.Queue(WAITING)
        while not stop.is_set():
            accepted = traps.accepted()
            with _listening(accepted, waiting) as port:
                self.stdout.write(f"listening for traps at {settings.TRAP_ADDRESS}, UDP port {port}")
                self._take_until_credentials_change(accepted, waiting, stop)

    def _take_until_credentials_change(self, accepted: list[Credential], waiting: Waiting, stop: threading.Event) -> None:
        look_at = time.monotonic() + READ_CREDENTIALS_S
        while not stop.is_set():
            notices = _gather(waiting, stop)
            close_old_connections()
            if notices:
                _take(notices)
            if time.monotonic() >= look_at:
                if traps.accepted() != accepted:
                    return
                look_at = time.monotonic() + READ_CREDENTIALS_S


def _take(notices: list[Notice]) -> None:
    """What devices send ends nobody's listening: what cannot be taken together is lost, and told."""
    try:
        traps.take(notices=notices)
    except DatabaseError:
        log.exception("notifications could not be noted", extra={"count": len(notices)})


def _gather(waiting: Waiting, stop: threading.Event) -> list[Notice]:
    stop.wait(GATHER_S)
    notices: list[Notice] = []
    with contextlib.suppress(queue.Empty):
        while True:
            notices.append(waiting.get_nowait())
    return notices


@contextlib.contextmanager
def _listening(accepted: list[Credential], waiting: Waiting) -> Iterator[int]:
    """Receives in an event loop of its own; the port it got. Raises CommandError when the port is taken."""
    started: queue.Queue[int | SnmpUnreachable] = queue.Queue()
    loop, ended = asyncio.new_event_loop(), asyncio.Event()
    receiving = _receive(accepted, waiting, started, ended)
    thread = threading.Thread(target=loop.run_until_complete, args=(receiving,), name="traps", daemon=True)
    thread.start()
    try:
        said = started.get()
        if isinstance(said, SnmpUnreachable):
            raise CommandError(str(said)) from said
        yield said
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


async def _receive(
    accepted: list[Credential], waiting: Waiting, started: "queue.Queue[int | SnmpUnreachable]", ended: asyncio.Event
) -> None:
    def on_trap(trap: Trap) -> None:
        with contextlib.suppress(queue.Full):
            waiting.put_nowait(Notice(_source(trap), trap.trap_oid, trap.received_at, _port(trap)))

    try:
        async with listen(settings.TRAP_ADDRESS, settings.TRAP_PORT, on_trap, accepted) as listener:
            started.put(listener.port)
            await ended.wait()
    except SnmpUnreachable as error:
        started.put(error)


def _source(trap: Trap) -> str:
    """Whom it speaks of: of itself, unless it is a relay of ours. A community or user is known to more than one device."""
    if trap.source_address not in settings.TRAP_RELAYS:
        return trap.source_address
    try:
        said = ip_address(str(dict(trap.varbinds).get(SNMP_TRAP_ADDRESS)))
    except ValueError:
        return trap.source_address
    return trap.source_address if said.is_unspecified else str(said)


def _port(trap: Trap) -> int | None:
    entry = trapbook.entry(trap.trap_oid)
    return entry.port_of(trap.varbinds) if entry else None
