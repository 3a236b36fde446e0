"""How the work at the helpdesk grows: list, search, counts and page of a ticket with 100,000 tickets beside 1,000.

1,000 schools and 100 agents in both; one ticket in twenty is not finished. A turn is what an agent does again and again:
open the list, the counts above it, a search, a ticket. `ticket_list_growth` is the p95 of a turn at 1,000 tickets
÷ that at 100,000: 1 is no growth, the goal is 1 ÷ 1.5. `ticket_report_growth` is the same of a report over 1,000 tickets,
`ticket_words_growth` of a program's look for a word that nobody wrote. On the server that DATABASE_URL names, else on a
PostgreSQL of this machine, as a city has one, else on SQLite; the row says which.
BENCH_TICKETS sets another number. `python -m tests.bench tickets` measures this alone, and says of what is done less often
(filters, pages of the API, reports, taking a ticket) how long it takes.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from statistics import median, quantiles
from typing import Any

from config.env import BASE_DIR
from tests.bench.polling import postgres_here
from tests.bench.rows import Row, row, timed

FEW, MANY = 1_000, int(os.environ.get("BENCH_TICKETS", "100000"))
SITES, AGENTS, TURNS, SELDOM, BATCH = 1_000, 100, 60, 8, 5_000
GOAL = 1 / 1.5
TROUBLES = ("geht nicht", "flackert", "ist langsam", "zeigt nichts", "druckt leer", "findet kein Netz", "piept", "ist weg")
THINGS = (
    "Beamer",
    "Drucker",
    "WLAN",
    "Tafel",
    "Notebook",
    "Switch",
    "Tablet",
    "Telefon",
    "Monitor",
    "Server",
    "Kamera",
    "Dose",
)
SELDOM_ASKED = (
    "/tickets/?state=all",
    "/tickets/?state=all&page=2000",
    "/tickets/?state=closed&priority=1",
    "/tickets/?owner=me",
    "/tickets/?owner=none",
    "/tickets/?state=all&q=Beamer",
    "/tickets/?state=all&q=Unauffindbar",
    "/tickets/?school=Schule+77",
    "/tickets/?state=all&sort=-due_at",
    "/search/?q=Unauffindbar",
    "/search/?q=Beamer+Aula&only=tickets",
    "/reports/",
    "/reports/promises/",
    "/reports/tickets.csv",
    "/api/v1/tickets/?page_size=200",
    "/api/v1/tickets/?finished=false",
    "/api/v1/tickets/?finished=true&priority=1",
    "/api/v1/tickets/?q=Unauffindbar",
    "/api/v1/counts",
)
PLACES = ("Aula", "Turnhalle", "Lehrerzimmer", "Bibliothek", "Physik", "Werkraum", "Sekretariat", "Mensa", "Foyer", "Keller")


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        given = {"MODE": "test", "VAR_DIR": folder, "DJANGO_SETTINGS_MODULE": "config.settings"}
        environment = os.environ | given | {"DATABASE_URL": os.environ.get("DATABASE_URL") or postgres_here()}
        command = [sys.executable, "-m", "tests.bench.tickets"]
        said = subprocess.run(command, cwd=BASE_DIR, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(said)
    against = f"the same work at {FEW:,} tickets, p95, {found['vendor']}"
    turn = row("ticket_list_growth", found["many"]["turn"], found["few"]["turn"], GOAL, against)
    seldom = f"the same at {FEW:,} tickets, median, {found['vendor']}"
    few, many = found["few_seldom"], found["many_seldom"]
    return [turn, *(row(f"ticket_{name}_growth", many[name], few[name], GOAL, seldom) for name in few)]


def main() -> None:
    import django

    django.setup()
    from django.db import connection
    from django.test.runner import DiscoverRunner

    connection.settings_dict["TEST"]["NAME"] = _own_database()
    runner = DiscoverRunner(verbosity=0, interactive=False)
    made = runner.setup_databases()
    try:
        print(json.dumps(_measured()))
    finally:
        runner.teardown_databases(made)


def _own_database() -> str:
    """Beside the tests' own, which may be running."""
    return f"bench_{os.getpid()}" if os.environ.get("DATABASE_URL") else f"{os.environ['VAR_DIR']}/bench.sqlite3"


def _measured() -> dict[str, Any]:
    from django.db import connection

    helpdesk = Helpdesk()
    helpdesk.fill(FEW)
    few, few_seldom = helpdesk.work(), helpdesk.growing()
    helpdesk.fill(MANY)
    many, many_seldom = helpdesk.work(), helpdesk.growing()
    print(f"p95 in seconds, {FEW} tickets: {few}\n{MANY} tickets: {many}", file=sys.stderr)
    print(f"seldom, median in seconds: {helpdesk.seldom()}", file=sys.stderr)
    found = {"few": few, "many": many, "few_seldom": few_seldom, "many_seldom": many_seldom}
    return {"vendor": connection.vendor, **found}


class Helpdesk:
    def __init__(self) -> None:
        from fleet.people.models import Grant, Scope, User
        from fleet.sites import services as sites
        from fleet.sites.models import Building, Room, Site

        self.chance = random.Random(2026)  # noqa: S311  (the same city each time)
        self.count = 0
        authority = sites.create_authority(name="Großstadt")
        self.authority_id = authority.pk
        named = [Scope(kind="site", parent_id=authority.pk, name=f"Schule {n}") for n in range(SITES)]
        scopes = Scope.objects.bulk_create(named)
        Site.objects.bulk_create(
            Site(scope=one, authority=authority, kind="school", name=one.name, slug=f"schule-{one.pk}") for one in scopes
        )
        self.sites = [one.pk for one in scopes]
        houses = Building.objects.bulk_create(Building(authority=authority, site_id=pk, name="Haus") for pk in self.sites)
        made = Room.objects.bulk_create(
            Room(authority=authority, site_id=one.site_id, building=one, number="204", name="Physik") for one in houses
        )
        self.rooms = {one.site_id: one.pk for one in made}
        people = [User(email=f"agent-{n}@grossstadt.example", name=f"Agentin {n}") for n in range(AGENTS)]
        self.agents = User.objects.bulk_create(people)
        Grant.objects.bulk_create(Grant(user=one, role="technician", scope_id=authority.pk) for one in self.agents)

    def fill(self, total: int) -> None:
        """Up to `total` tickets, each with two articles and, if it is finished, its way there."""
        from django.db import connection

        while self.count < total:
            self._add(min(BATCH, total - self.count))
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

    def _add(self, number: int) -> None:
        from django.db import transaction

        from helpdesk.tickets.models import Article, Ticket, Transition

        with transaction.atomic():
            tickets = Ticket.objects.bulk_create([self._ticket(self.count + n + 1) for n in range(number)])
            self.count += number
            said = [
                Article(
                    ticket=one,
                    author_id=author,
                    body=f"{one.subject}. Bitte um Hilfe, Zeichen k{one.pk}x.",
                    internal=internal,
                )
                for one in tickets
                for author, internal in ((None, False), (one.owner_id, True))
            ]
            Article.objects.bulk_create(said, batch_size=BATCH)
            over = [one for one in tickets if one.state == "closed"]
            Transition.objects.bulk_create(
                Transition(ticket=one, old="open", new="resolved", at=one.created_at + timedelta(hours=5)) for one in over
            )

    @staticmethod
    def _created(number: int) -> Any:
        from django.utils import timezone

        return timezone.now() - timedelta(minutes=5 * (MANY - number))

    def _ticket(self, number: int) -> Any:
        from helpdesk.tickets.models import Ticket

        chance = self.chance
        site = chance.choice(self.sites)
        created, over = self._created(number), chance.random() >= 1 / 20
        return Ticket(
            authority_id=self.authority_id,
            site_id=site,
            room_id=self.rooms[site],
            number=f"F2026-{number:06d}",
            subject=f"{chance.choice(THINGS)} {chance.choice(TROUBLES)}, {chance.choice(PLACES)}",
            state="closed" if over else chance.choice(("new", "open", "waiting-requester")),
            answered_at=created + timedelta(hours=1) if over else None,
            resolved_at=created + timedelta(hours=5) if over else None,
            reckon_at=None,
            priority=chance.choice((1, 2, 2, 2, 3, 4)),
            owner=chance.choice(self.agents),
            created_at=created,
            updated_at=created,
        )

    def work(self) -> dict[str, float]:
        """{what: 95th percentile in seconds}"""
        from django.test import Client

        clients = [Client(SERVER_NAME="localhost") for _ in range(3)]
        for client, agent in zip(clients, self.agents, strict=False):
            client.force_login(agent, backend="allauth.account.auth_backends.AuthenticationBackend")
        taken: dict[str, list[float]] = {}
        for turn in range(TURNS + 3):
            parts = {name: self._asked(clients[turn % 3], url) for name, url in self._acts(turn).items()}
            for name, seconds in (parts | {"turn": sum(parts.values())}).items():
                if turn >= len(clients):  # the first of each warms up
                    taken.setdefault(name, []).append(seconds)
        return {name: round(quantiles(known, n=20)[-1], 5) for name, known in taken.items()}

    def _acts(self, turn: int) -> dict[str, str]:
        chance = self.chance
        some = chance.randint(1, FEW)
        words = (f"{chance.choice(THINGS)} {chance.choice(PLACES)}", f"k{some}x", f"F2026-{some:06d}", chance.choice(THINGS))
        return {
            "list": "/tickets/",
            "counts": "/views/tickets/",
            "search": f"/search/?q={words[turn % len(words)]}",
            "ticket": f"/tickets/F2026-{some:06d}/",
        }

    def growing(self) -> dict[str, float]:
        """{what: median in seconds}: a report over FEW tickets however many there are, and words that nobody wrote."""
        last = self._created(self.count)
        first = self._created(self.count - FEW + 1)
        report = f"/reports/?first={first.date()}&last={last.date() + timedelta(days=1)}"
        found = self._medians([report, "/api/v1/tickets/?q=Unauffindbar"])
        return dict(zip(("report", "words"), found.values(), strict=True))

    def seldom(self) -> dict[str, float]:
        """{what: median in seconds}"""
        found = self._medians(SELDOM_ASKED)
        return found | {"take": round(median(self._taken() for _ in range(SELDOM)), 4)}

    def _medians(self, urls: Sequence[str]) -> dict[str, float]:
        from django.test import Client

        from fleet.people import services as people
        from fleet.people.models import ApiToken

        client = Client(SERVER_NAME="localhost")
        client.force_login(self.agents[0], backend="allauth.account.auth_backends.AuthenticationBackend")
        _row, clear = people.issue_token(
            user=self.agents[0], name=f"bench {urls[0]}"[:50], reach=ApiToken.Reach.WRITE, valid_for=timedelta(hours=1)
        )
        program = Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {clear.reveal()}"})
        found = {}
        for url in urls:
            asker = program if url.startswith("/api/") else client
            found[url] = round(median(self._asked(asker, url) for _ in range(SELDOM)), 4)
        return found

    def _taken(self) -> float:
        from helpdesk.tickets import services
        from helpdesk.tickets.models import Ticket

        ticket = Ticket.objects.exclude(state="closed").exclude(owner=self.agents[1]).order_by("?").first()
        assert ticket is not None
        return timed(lambda: services.take(ticket=ticket, by=self.agents[1]))

    @staticmethod
    def _asked(client: Any, url: str) -> float:
        answers: list[Any] = []

        def ask() -> None:
            answer = client.get(url, headers={"HX-Request": "true"} if "views" in url else None)
            b"".join(answer) if answer.streaming else answer.content
            answers.append(answer)

        seconds = timed(ask)
        if answers[0].status_code != 200:
            sys.exit(f"{url} answered {answers[0].status_code}")
        return seconds


if __name__ == "__main__":
    main()
