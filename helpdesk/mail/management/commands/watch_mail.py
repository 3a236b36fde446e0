"""`manage.py watch_mail`: holds mailboxes open until it is told to stop, and has new mail read at once."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from helpdesk.mail import watching


class Command(BaseCommand):
    help = "Holds mailboxes open with IDLE, so that new mail is read at once."
    requires_system_checks: list[
        str
    ] = []  # as of web and workers: reading every file of the house takes longer than the start

    def handle(self, *_args: Any, **_options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        watching.run(stop)
