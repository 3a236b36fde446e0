"""One person with 70,000 tickets is handed out and erased, in processes of their own; the erasing one is killed on the way.

`python -m tests.bench.person`, on the PostgreSQL that DATABASE_URL names, else on SQLite. BENCH_TICKETS sets another number.
Prints seconds and the memory that each process took at most; fails where anything of the person is left. No part of `make
bench`: there is no peer beside whom it could be measured.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from config.env import BASE_DIR

MANY = int(os.environ.get("BENCH_TICKETS", "70000"))
OTHERS = MANY // 7
BATCH = 5_000
NAME, MAIL = "Almut Übel-Weiß", "almut.uebel@musterstadt.example"
SETUP = "import django; django.setup(); from helpdesk.privacy.services import erasing, exporting; "


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        os.environ |= {"MODE": "test", "VAR_DIR": folder, "DJANGO_SETTINGS_MODULE": "config.settings"}
        _on_a_database_of_its_own(Path(folder))


def _on_a_database_of_its_own(folder: Path) -> None:
    import django

    django.setup()
    from django.db import connection
    from django.test.runner import DiscoverRunner

    served = os.environ.get("DATABASE_URL", "")
    name = f"bench_{os.getpid()}" if served else f"{folder}/bench.sqlite3"
    connection.settings_dict["TEST"]["NAME"] = name
    runner = DiscoverRunner(verbosity=0, interactive=False)
    made = runner.setup_databases()
    os.environ["DATABASE_URL"] = f"{served.rsplit('/', 1)[0]}/{name}" if served else f"sqlite:///{name}"
    try:
        _measure()
    finally:
        runner.teardown_databases(made)


def _measure() -> None:
    from django.db import connection

    person, asked_by, agreed_by = _people()
    _fill(person)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    print(f"{connection.vendor}, {MANY:,} tickets of one person, {OTHERS:,} of others, two articles each", flush=True)
    _hand_out(person)
    _erase(person, asked_by, agreed_by)


def _people() -> tuple[Any, Any, Any]:
    from fleet.people import services as people
    from fleet.people.models import User
    from fleet.people.rules import Role
    from fleet.sites import services as sites
    from fleet.sites.models import Site

    authority = sites.create_authority(name="Großstadt")
    details = sites.SiteDetails(Site.Kind.SCHOOL, "Schule 1", "schule-1", city="Großstadt")
    site = sites.create_site(authority=authority, details=details)
    person = User.objects.create_user(MAIL, name=NAME)
    people.grant(user=person, role=Role.COORDINATOR, scope_id=site.pk)
    first, second = (User.objects.create_user(f"{n}@grossstadt.example", name=f"Verwaltung {n}") for n in (1, 2))
    for one in (first, second):
        people.grant(user=one, role=Role.ADMINISTRATOR, scope_id=authority.pk)
    return person, first, second


def _fill(person: Any) -> None:
    from django.db import transaction

    from fleet.people.models import User

    other = User.objects.create_user("andere@grossstadt.example", name="Andere Person")
    for begin in range(0, MANY + OTHERS, BATCH):
        with transaction.atomic():
            _add(range(begin, min(begin + BATCH, MANY + OTHERS)), person, other)


def _add(numbers: range, person: Any, other: Any) -> None:
    from fleet.events.models import Event
    from fleet.sites.models import Site
    from helpdesk.mail.models import OutgoingMail
    from helpdesk.tickets.models import Article, Ticket

    site = Site.objects.get()
    scope = {"authority_id": site.authority_id, "site_id": site.pk}
    tickets = Ticket.objects.bulk_create(
        Ticket(
            number=f"F2026-{n:06d}",
            subject=f"Drucker {n} bei {NAME}" if n < MANY else f"Drucker {n}",
            requester=person if n < MANY else other,
            state="closed",
            **scope,
        )
        for n in numbers
    )
    signed = f"Er druckt nicht.\n-- \n{NAME}, {MAIL.upper()}"
    said = [
        Article(ticket=one, author_id=one.requester_id, body=signed if one.requester_id == person.pk else "Er druckt nicht.")
        for one in tickets
    ]
    Article.objects.bulk_create([*said, *(Article(ticket=one, body="Ist erledigt, bitte prüfen.") for one in tickets)])
    OutgoingMail.objects.bulk_create(
        OutgoingMail(article=one, recipient=person, message_id=f"<{one.pk}@x>", state="sent")
        for one in said
        if one.author_id == person.pk
    )
    Event.objects.bulk_create(
        Event(name="ticket.created", subject_type="tickets.ticket", subject_id=one.pk, actor_id=one.requester_id, **scope)
        for one in tickets
    )


def _hand_out(person: Any) -> None:
    from helpdesk.privacy.models import Export
    from helpdesk.privacy.services import exporting

    export = exporting.ask(person=person, by=person)
    seconds, memory = _ran(_started("exporting.work()"))
    export.refresh_from_db()
    if export.state != Export.State.READY:
        sys.exit(f"the export is {export.state}")
    sizes = ", ".join(f"{kind} {one.size / 2**20:.1f} MB" for kind, one in (("JSON", export.data), ("PDF", export.document)))
    print(f"handed out: {sum(export.counts.values()):,} rows, {sizes}: {seconds:.0f} s, {memory} MB", flush=True)


def _erase(person: Any, asked_by: Any, agreed_by: Any) -> None:
    from django.utils import timezone

    from helpdesk.privacy.models import Erasure
    from helpdesk.privacy.services import erasing

    erasure = erasing.ask(person=person, by=asked_by)
    erasing.agree(erasure=erasure, by=agreed_by)
    began = time.monotonic()
    first = _started("erasing.work(seconds=3600)")
    while not erasure.total or erasure.done < erasure.total / 2:
        if first.poll() is not None:
            sys.exit("the process ended before it could be killed")
        time.sleep(0.5)
        erasure.refresh_from_db()
    first.send_signal(signal.SIGKILL)
    first.wait()
    done = f"{erasure.done:,} of {erasure.total:,} rows"
    print(f"killed at {done} after {time.monotonic() - began:.0f} s", flush=True)
    Erasure.objects.update(claimed_until=timezone.now())  # its lease would run for some minutes yet
    seconds, memory = _ran(_started("erasing.work(seconds=3600)"))
    erasure.refresh_from_db()
    print(f"gone on and {erasure.state}: {erasure.changed:,} rows changed or deleted, {seconds:.0f} s more, {memory} MB")
    _check(erasure)


def _check(erasure: Any) -> None:
    from django.db.models import Q

    from fleet.events.models import Event
    from helpdesk.mail.models import OutgoingMail
    from helpdesk.privacy.models import Export
    from helpdesk.tickets.models import Article, Ticket

    left = {
        "tickets": Ticket.objects.filter(Q(subject__icontains=NAME) | Q(subject__icontains=MAIL)).count(),
        "articles": Article.objects.filter(Q(body__icontains=NAME) | Q(body__icontains=MAIL)).count(),
        "mails": OutgoingMail.objects.filter(recipient=erasure.person_id).count(),
        "exports": Export.objects.count(),
    }
    told = list(Event.objects.filter(name__startswith="privacy.").order_by("pk").values_list("name", "payload"))
    print(f"left of name and address: {left}; the audit says: {told}")
    if erasure.state != "done" or any(left.values()):
        sys.exit(1)


def _started(what: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", SETUP + what], cwd=BASE_DIR)


def _ran(process: "subprocess.Popen[bytes]") -> tuple[float, int]:
    """(seconds, MB at most)"""
    began, most = time.monotonic(), 0
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        most = max(most, watched.memory_info().rss)
        time.sleep(0.1)
    if process.returncode:
        sys.exit(f"it ended with {process.returncode}")
    return time.monotonic() - began, most // 2**20


if __name__ == "__main__":
    main()
