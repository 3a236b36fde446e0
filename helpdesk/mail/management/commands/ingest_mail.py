"""`manage.py ingest_mail < mail`: one RFC 5322 message on stdin, for a pipe from a mail server.

Prints `{"outcome": "new|appended|stored|dropped|quarantined", "ticket": 12, "article": 34, "reason": "…"}`; ticket and
article are ids or null. Exit 0 when the mail is ours now, 75 (EX_TEMPFAIL) when the mail server shall try again later.
"""

import dataclasses
import json
import logging
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, ProgrammingError

from helpdesk.mail.models import Mailbox
from helpdesk.mail.services.receiving import NowhereError, receive

log = logging.getLogger(__name__)
EXPECTED = (OperationalError, InterfaceError, ProgrammingError, OSError, NowhereError, Mailbox.DoesNotExist)


class Command(BaseCommand):
    help = "Take one mail from stdin. Exit 75: try again later."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--mailbox", metavar="ADDRESS", help="to which it was delivered; otherwise as its header says")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            mailbox = _mailbox(options["mailbox"])
            result = receive(source=sys.stdin.buffer, mailbox=mailbox)
        except Exception as error:  # any other exit would have the mail server give the mail back to whoever wrote it
            if not isinstance(error, EXPECTED):
                log.exception("mail not taken in")
            self.stderr.write(f"try again later: {' '.join(str(error).split())[:300] or type(error).__name__}")
            sys.exit(os.EX_TEMPFAIL)
        self.stdout.write(json.dumps(dataclasses.asdict(result)))  # ASCII alone: a pipe has any locale


def _mailbox(address: str | None) -> Mailbox | None:
    if not address:
        return None
    return Mailbox.objects.select_related("authority", "site").get(address__iexact=address)
