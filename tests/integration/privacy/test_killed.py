"""Erasing in a process of its own that is killed, and another that goes on: nothing twice, nothing left out."""

import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from config.env import BASE_DIR
from fleet.events.models import Event
from fleet.people.models import User
from helpdesk.privacy.models import Erasure
from helpdesk.privacy.services import erasing
from helpdesk.tickets.models import Article, Ticket
from tests.conftest import City
from tests.integration.privacy.conftest import MAIL, NAME, make_person

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 3_000
WORK = "import django; django.setup(); from helpdesk.privacy.services import erasing; erasing.work(seconds=600)"


@pytest.fixture
def erasure(city: City, second: User) -> Erasure:
    """Agreed, of somebody with many tickets, each with an article that names them."""
    person = make_person(city, "a", NAME, MAIL)
    scope: dict[str, Any] = {"site": city.school_a, "authority": city.authority, "requester": person}
    rows = Ticket.objects.bulk_create(Ticket(number=f"V-{one}", subject=f"{NAME} {one}", **scope) for one in range(MANY))
    Article.objects.bulk_create(Article(ticket=one, body=f"Gruß, {NAME} ({MAIL})") for one in rows)
    asked = erasing.ask(person=person, by=city.administrator)
    erasing.agree(erasure=asked, by=second)
    return asked


def worker() -> "subprocess.Popen[bytes]":
    name = connection.settings_dict["NAME"]
    server = os.environ.get("DATABASE_URL", "")
    url = server.rsplit("/", 1)[0] + f"/{name}" if server.startswith("postgres") else f"sqlite:///{name}"
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings"}
    return subprocess.Popen([sys.executable, "-c", WORK], cwd=BASE_DIR, env=environment)


def changed() -> int:
    return int(Erasure.objects.values_list("changed", flat=True).get())


def test_killed_in_the_middle_and_gone_on(erasure: Erasure) -> None:
    first = worker()
    deadline = time.monotonic() + 60
    while changed() < 500:
        assert first.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.wait(10)
    assert Ticket.objects.filter(subject__contains=NAME).exists() or Article.objects.filter(body__contains=NAME).exists()
    assert erasing.work() == 0  # its lease still runs
    Erasure.objects.update(claimed_until=timezone.now())

    assert worker().wait(120) == 0

    erasure.refresh_from_db()
    assert (erasure.state, erasure.done) == ("done", erasure.total)
    assert not Ticket.objects.filter(subject__contains=NAME).exists()
    assert not Article.objects.filter(body__icontains=MAIL).exists()
    assert Ticket.objects.get(number="V-1").version == 2
    told = Event.objects.filter(name__startswith="privacy.").values_list("name", flat=True)
    assert sorted(told) == ["privacy.erasure-agreed", "privacy.erasure-asked", "privacy.person-erased"]
