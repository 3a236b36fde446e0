"""`manage.py ingest_mail`, as a mail server's pipe starts it."""

import json

import pytest

from helpdesk.mail.models import OutgoingMail
from helpdesk.tickets.models import Article, Attachment, Ticket
from tests.conftest import City
from tests.integration.mail.conftest import ingest, told
from tests.unit.mail.conftest import letter

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_same_mail_three_times_at_once_is_one_article(city: City) -> None:
    mail = letter("Es brennt C:\\Users\\temp\\neu", files=[("bild.png", b"bits")]).as_bytes()

    at_once = [ingest() for _ in range(3)]
    told = [process.communicate(mail, timeout=120) for process in at_once]

    said = [json.loads(out) for out, _error in told]
    assert [process.returncode for process in at_once] == [0, 0, 0]
    assert sorted(one["outcome"] for one in said) == ["dropped", "dropped", "new"]
    ticket, article = Ticket.objects.get(), Article.objects.get()
    assert all((one["ticket"], one["article"]) == (ticket.pk, article.pk) for one in said)
    assert (Attachment.objects.count(), OutgoingMail.objects.count()) == (1, 1)
    assert ticket.site == city.school_a


def test_each_outcome_as_it_is_printed(city: City) -> None:
    new = told(letter())
    ticket, article = Ticket.objects.get(), Article.objects.get()
    answer = {"In-Reply-To": "<1@alma.example>"}
    appended = told(letter("Ja.", message_id="<2@x>", headers=answer))
    stored = told(letter("Weg.", message_id="<3@x>", headers={**answer, "Auto-Submitted": "auto-replied (vacation)"}))
    dropped, quarantined = told(letter()), told(b"no mail at all\n")

    last = Article.objects.order_by("-pk").values_list("pk", flat=True)
    assert new == {"outcome": "new", "ticket": ticket.pk, "article": article.pk, "reason": ""}
    assert appended == {"outcome": "appended", "ticket": ticket.pk, "article": last[1], "reason": ""}
    assert stored == {
        "outcome": "stored", "ticket": ticket.pk, "article": last[0], "reason": "automatic: Auto-Submitted: auto-replied",
    }  # fmt: skip
    assert dropped == {**new, "outcome": "dropped", "reason": "it has been received before"}
    assert quarantined == {
        "outcome": "quarantined", "ticket": None, "article": None, "reason": "this is no mail: it has no header",
    }  # fmt: skip


def test_with_the_database_away_the_mail_server_tries_again() -> None:
    process = ingest(url="postgres://nobody@127.0.0.1:9/nothing")

    out, error = process.communicate(letter().as_bytes(), timeout=60)

    assert (process.returncode, out) == (75, b"")
    assert b"try again later" in error


def test_so_it_does_for_a_mailbox_that_is_not_set_up(city: City) -> None:
    process = ingest("--mailbox", "nobody@musterstadt.example")

    process.communicate(letter().as_bytes(), timeout=60)

    assert process.returncode == 75
