"""What a person is handed out: all of theirs, nothing of the other school, nobody else by name, no internal note."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from fleet.events.models import Event
from fleet.people.models import ApiToken, User
from helpdesk.privacy import sources
from helpdesk.privacy.models import Export
from helpdesk.privacy.services import exporting
from helpdesk.tickets.models import Ticket
from tests.conftest import City
from tests.integration.privacy.conftest import MAIL, NAME, make_person


def made(person: User, by: User) -> tuple[Export, dict[str, Any], str]:
    export = exporting.ask(person=person, by=by)
    assert exporting.work() == 1
    export.refresh_from_db()
    with export.data.open("rb") as data:
        text = data.read().decode()
    return export, json.loads(text), text


@pytest.mark.parametrize("own", [True, False])
def test_everything_of_the_person_and_nothing_of_the_other_school(city: City, almut: User, own: bool) -> None:
    bruno = make_person(city, "b", "Bertram Öde", "bertram@musterstadt.example")

    export, said, text = made(almut, almut if own else city.administrator)

    rows = {section["source"]: section["rows"] for section in said["sections"]}
    for relation in sources.relations():
        late = {"name": "privacy.export-made"} if relation.model is Event else {"pk__isnull": True}
        assert len(rows[str(relation)]) == relation.rows(almut.pk).exclude(**late).count(), relation
    assert rows["people.User"][0]["email"] == MAIL
    assert rows["tickets.Ticket.requester"][0]["subject"] == f"Drucker Schule A von {NAME}"
    assert [row["internal"] for row in rows["tickets.Article in my tickets"]] == [False]
    for theirs in ("Schule B", "Bertram", "bertram@", str(Ticket.objects.get(requester=bruno).number)):
        assert theirs not in text
    with export.document.open("rb") as document:
        assert document.read(4) == b"%PDF"


def test_others_are_masked_internal_notes_and_secrets_are_absent(city: City, almut: User) -> None:
    _export, _said, text = made(almut, almut)

    token = ApiToken.objects.get(user=almut)
    assert "Liebe Almut Übel-Weiß, ich komme. Person 1, …@…" in text
    for hidden in ("INTERN", "Theo", "theo@", token.digest, "planted-a", "argon2", "idempotency_key"):
        assert hidden not in text, hidden


def test_a_technicians_own_export_does_not_say_what_internal_notes_say(city: City, almut: User) -> None:
    _export, said, text = made(city.technician, city.technician)

    written = next(one for one in said["sections"] if one["source"] == "tickets.Article.author")["rows"]
    assert [row["internal"] for row in written] == [False, True]
    assert "INTERN" not in text
    assert NAME not in text


def test_a_worker_that_died_is_followed_by_another_and_a_second_asking_makes_no_second(city: City, almut: User) -> None:
    export = exporting.ask(person=almut, by=almut)
    assert exporting.ask(person=almut, by=almut) == export
    Export.objects.update(state="working", claimed_until=timezone.now() + timedelta(minutes=5))

    assert exporting.work() == 0
    assert exporting.work(now=timezone.now() + timedelta(minutes=6)) == 1


def test_after_its_last_day_the_files_are_gone(city: City, almut: User, django_capture_on_commit_callbacks: Any) -> None:
    export, _said, _text = made(almut, almut)
    storage, name = export.data.storage, export.data.name

    with django_capture_on_commit_callbacks(execute=True):
        exporting.work(now=timezone.now() + exporting.KEPT)

    assert not Export.objects.exists()
    assert not storage.exists(name)


def test_queries_do_not_grow_with_the_tickets(
    city: City, almut: User, django_assert_max_num_queries: Any, django_assert_num_queries: Any
) -> None:
    with django_assert_max_num_queries(120) as first:
        made(almut, almut)
    ticket = Ticket.objects.get(requester=almut)
    Ticket.objects.bulk_create(
        Ticket(number=f"N-{one}", subject="mehr", requester=almut, site=ticket.site, authority=ticket.authority)
        for one in range(60)
    )

    with django_assert_num_queries(len(first)):
        made(almut, almut)
