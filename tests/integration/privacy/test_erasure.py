"""Erasing a person: four eyes, in batches, and afterwards no column of any table has name or address."""

import unicodedata
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fleet.automation.models import Approval, Change, Schedule
from fleet.events.models import Event
from fleet.people import services as people
from fleet.people.models import Grant, User
from fleet.people.rules import Role
from helpdesk.mail.models import IncomingMail, OutgoingMail
from helpdesk.privacy.models import Erasure
from helpdesk.privacy.services import erasing, exporting, looking
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Article, Attachment, Ticket
from tests.conftest import City, login
from tests.integration.privacy.conftest import MAIL, NAME


def agreed(city: City, person: User, second: User) -> Erasure:
    erasure = erasing.ask(person=person, by=city.administrator)
    erasing.agree(erasure=erasure, by=second)
    return erasure


def finish(erasure: Erasure) -> Erasure:
    erasing.work()
    erasure.refresh_from_db()
    return erasure


def found(*wanted: str) -> list[str]:
    """Where one of these stands, in any letters: every column of every table, as the database gives it back as text."""
    places = []
    for model in apps.get_models():
        columns = [one for one in model._meta.concrete_fields if not isinstance(one, models.BinaryField)]
        for row in model._base_manager.values(*[one.attname for one in columns]):
            text = "\n".join(map(str, row.values())).casefold()
            places += [f"{model._meta.label}: {row}" for one in wanted if one.casefold() in text]
    return places


def test_afterwards_no_column_of_any_table_holds_name_or_address(city: City, almut: User, second: User) -> None:
    exporting.ask(person=almut, by=almut)
    exporting.work()
    Article.objects.create(
        ticket=Ticket.objects.get(requester=almut), author=city.technician, body=f"{NAME.upper()} ({MAIL}) war da."
    )
    number = Ticket.objects.get(requester=almut).number
    kept = {"file": "mail/ab/gone", "secret": {"key": "planted"}, "digest": "0" * 64, "size": 1}
    came = IncomingMail.objects.create(authority=city.authority, key="<1@x>", sender=MAIL, outcome="new", **kept)
    assert len(found(NAME, MAIL)) > 8

    erasure = finish(agreed(city, almut, second))

    almut.refresh_from_db()
    assert erasure.state == "done"
    assert found(NAME, MAIL) == []
    assert erasure.wanted is None
    came.refresh_from_db()
    assert (came.file.name, came.secret) == ("", None), "a copy of the file elsewhere stays closed for good"
    assert almut.name.startswith("Ehemalige Person ")
    assert not almut.is_active
    ticket = Ticket.objects.get(number=number)
    assert ticket.requester == almut
    assert f"-- \n{almut.name}\nTel. 123, {almut.email}" in ticket.articles.get(author=almut, notice="").body
    assert ticket.articles.filter(body__contains="INTERN: Ehemalige Person").exists()
    assert Event.objects.filter(actor_id=almut.pk, name="ticket.looked-at", payload={"by": almut.name}).exists()
    assert not OutgoingMail.objects.filter(recipient=almut).exists()
    assert not Grant.objects.filter(user=almut).exists()


def test_no_spelling_of_a_name_is_left_standing(city: City, second: User) -> None:
    name = "Jürgen Müller"
    person = User.objects.create_user("juergen@musterstadt.example", name=name)
    people.grant(user=person, role=Role.TECHNICIAN, scope_id=city.school_a.pk)
    ticket = tickets.open_ticket(
        opening=tickets.Opening(site=city.school_a, subject="Drucker", requester=city.coordinator_a)
    )
    apart = unicodedata.normalize("NFD", name)
    bodies = [
        "Jürgen\nMüller",
        "Jürgen\xa0Müller",
        "Jürgen  Müller",
        apart,
        "Jürgen MÜLLER",
        "@Jürgen: bitte",
        "Müller, Jürgen",
        name,
    ]
    formatted = ["<p>J&uuml;rgen M&uuml;ller</p>", "<p>Jürgen <b>Müller</b></p>", "<p>Danke</p>"]
    for body in bodies:
        Article.objects.create(ticket=ticket, body=f"{body} war da.")
    for html in formatted:
        Article.objects.create(ticket=ticket, body="Siehe oben.", html=html)
    article = Article.objects.create(ticket=ticket, details={"who": apart})
    for called in (f"Krankmeldung_{name.replace(' ', '_')}.pdf", f"{apart}.pdf", "Keller Morgen.pdf"):
        Attachment.objects.create(article=article, name=called, size=1, digest="0" * 64, file="attachments/00/0")

    finish(agreed(city, person, second))

    person.refresh_from_db()
    assert set(found("rgen", "ller")) == set(found("Keller Morgen.pdf"))
    assert set(Attachment.objects.values_list("name", flat=True)) == {
        f"Krankmeldung_{person.name}.pdf",
        f"{person.name}.pdf",
        "Keller Morgen.pdf",
    }
    assert sorted(Article.objects.exclude(html="").values_list("html", flat=True)) == ["<p>Danke</p>"]
    assert Article.objects.filter(body=f"@{person.name}: bitte war da.").exists()


def test_a_first_name_that_a_colleague_has_too_is_left(city: City, second: User) -> None:
    for number in (1, 2):
        person = User.objects.create_user(f"j{number}@musterstadt.example", name=f"Jürgen Nr{number}")
        people.grant(user=person, role=Role.TECHNICIAN, scope_id=city.school_a.pk)
    ticket = tickets.open_ticket(
        opening=tickets.Opening(site=city.school_a, subject="Drucker", requester=city.coordinator_a)
    )
    article = Article.objects.create(ticket=ticket, body="@Jürgen und Jürgen Nr2")

    finish(agreed(city, person, second))

    article.refresh_from_db()
    person.refresh_from_db()
    assert article.body == f"@Jürgen und {person.name}"


def test_the_person_is_out_at_once_when_the_second_agrees(city: City, almut: User, second: User) -> None:
    client = login(Client(), almut)
    assert client.get("/account/").status_code == 200

    agreed(city, almut, second)

    assert client.get("/account/").status_code == 302
    assert User.objects.get(pk=almut.pk).version == almut.version + 1, "who has read them before writes nothing any more"


def test_nobody_agrees_to_what_they_asked_for_nor_the_person(city: City, almut: User, second: User) -> None:
    erasure = erasing.ask(person=almut, by=city.administrator)

    for who in (city.administrator, almut):
        with pytest.raises(erasing.RefusedError, match="four-eyes"):
            erasing.agree(erasure=erasure, by=who)
    with pytest.raises(erasing.RefusedError, match="underway"):
        erasing.ask(person=almut, by=second)
    with pytest.raises(IntegrityError), transaction.atomic():
        Erasure.objects.filter(pk=erasure.pk).update(agreed_by=city.administrator, state="running")

    almut.refresh_from_db()
    assert almut.name == NAME


def test_why_not_now(city: City, almut: User, second: User) -> None:
    change = Change.objects.create(
        authority=city.authority, site=city.school_a, playbook="ap-restart", playbook_digest="0" * 64, digest="1" * 64,
        risk="low", starts_at=timezone.now(), state="approved", approvals_needed=1, requested_by=almut,
    )  # fmt: skip
    Approval.objects.create(change=change, approver=second, decision="approve", digest="1" * 64)
    Schedule.objects.create(
        authority=city.authority, site=city.school_a, name="x", owner=almut, playbook="ap-restart", rule="FREQ=DAILY",
        starts_at=timezone.now(), device_ids=[], enabled=True,
    )  # fmt: skip

    assert looking.reasons(almut, city.administrator) == ["running-changes", "schedules"]
    assert looking.reasons(second, city.administrator) == ["open-approvals"]
    assert looking.reasons(city.administrator, city.administrator) == ["self"]
    assert looking.reasons(almut, city.technician)[0] == "elsewhere"
    second.grants.all().delete()
    second.__dict__.pop("access", None)
    assert "last-administrator" in looking.reasons(city.administrator, second)
    Grant.objects.create(user=second, role=Role.ADMINISTRATOR, scope_id=city.authority.pk)
    second.__dict__.pop("access", None)
    assert "last-administrator" not in looking.reasons(city.administrator, second)


def test_stopped_it_stays_as_it_is_and_goes_on_later(
    city: City, almut: User, second: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    erasure = agreed(city, almut, second)
    monkeypatch.setattr(erasing, "BATCH", 1)
    real, calls = erasing.batch, []

    def stopping(row: Erasure, step: Any) -> tuple[int, bool]:
        calls.append(step.key)
        if len(calls) == 30:
            erasing.stop(erasure=Erasure.objects.get(pk=row.pk), by=city.administrator)
        return real(row, step)

    monkeypatch.setattr(erasing, "batch", stopping)
    erasure = finish(erasure)
    assert (erasure.state, len(calls)) == ("stopped", 30)
    assert finish(erasure).state == "stopped"

    assert erasing.resume(erasure=erasure, by=second)
    assert finish(erasure).state == "done"
    assert found(NAME, MAIL) == []
    assert calls[30] == calls[28]  # the last one that was written


def test_a_worker_killed_in_a_batch_leaves_nothing_half_done(
    city: City, almut: User, second: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    erasure = agreed(city, almut, second)
    Erasure.objects.update(claimed_until=timezone.now() + timedelta(minutes=5))  # whoever had it is dead
    assert finish(erasure).state == "running"
    assert found(NAME)

    Erasure.objects.update(claimed_until=timezone.now())
    assert finish(erasure).state == "done"
    assert found(NAME, MAIL) == []


def test_somebody_elses_name_and_the_names_of_things_stay(city: City, second: User) -> None:
    """Alma's name is one word: a device may be called so, and so is another person's first name."""
    namesake = User.objects.create_user("alma.zwei@musterstadt.example", name="Alma Zwei")
    city.switch_a.name = "Alma"
    city.switch_a.save()

    finish(agreed(city, city.coordinator_a, second))

    namesake.refresh_from_db()
    city.switch_a.refresh_from_db()
    assert (namesake.name, city.switch_a.name) == ("Alma Zwei", "Alma")
    assert found("alma@musterstadt.example") == []


def test_with_a_namesake_only_the_persons_own_texts_lose_the_name(city: City, almut: User, second: User) -> None:
    User.objects.create_user("almut.zwei@musterstadt.example", name=NAME)
    other = Ticket.objects.create(
        number="ANDERE", subject=f"{NAME} meldet", site=city.school_b, authority=city.authority, requester=city.coordinator_b
    )

    erasure = finish(agreed(city, almut, second))

    other.refresh_from_db()
    assert other.subject == f"{NAME} meldet"
    assert Ticket.objects.get(requester=almut).subject == f"Drucker Schule A von {erasure.pseudonym}"
    assert found(MAIL) == []


def test_a_batch_costs_the_same_however_many_tickets_there_are(
    city: City, almut: User, second: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    Ticket.objects.bulk_create(
        Ticket(
            number=f"V-{one}",
            subject=f"{NAME} {one}",
            requester=almut,
            site=city.school_a,
            authority=city.authority,
            version=7,
        )
        for one in range(300)
    )
    erasure = agreed(city, almut, second)
    monkeypatch.setattr("helpdesk.privacy.services.steps.BATCH", 50)
    monkeypatch.setattr(erasing, "BATCH", 50)
    real, costs = erasing.batch, []

    def counted(row: Erasure, step: Any) -> tuple[int, bool]:
        with CaptureQueriesContext(connection) as queries:
            result = real(row, step)
        if step.key == "text:tickets.Ticket" and result[0] == 50:
            costs.append(len(queries))
        return result

    monkeypatch.setattr(erasing, "batch", counted)
    finish(erasure)

    assert len(costs) == 6
    assert len(set(costs)) == 1
    assert costs[0] <= 12
    assert Ticket.objects.get(number="V-1").version == 8
    assert erasure.done == erasure.total > 300
