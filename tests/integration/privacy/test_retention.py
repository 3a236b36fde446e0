"""Deleting what was kept long enough: on real rows, in batches, also when it is killed in the middle."""

import io
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.core.files.base import ContentFile
from django.utils import timezone
from pytest_django import Settings

from fleet.automation.models import Change
from fleet.monitoring.models import Alert
from helpdesk.catalogue.models import ServiceRequest
from helpdesk.mail.models import IncomingMail, OutgoingMail
from helpdesk.mail.services.receiving import receive
from helpdesk.privacy import retention
from helpdesk.privacy.models import Deletion, Export, KeepingRun, Period
from helpdesk.privacy.services import keeping, removing
from helpdesk.tickets.models import Article, Ticket
from tests.conftest import City
from tests.integration.privacy.conftest import close_old
from tests.unit.mail.conftest import letter


@pytest.fixture
def night() -> datetime:
    return timezone.localtime().replace(hour=3, minute=0)


def logged(kind: str) -> list[tuple[int, int]]:
    return list(Deletion.objects.filter(kind=kind).exclude(count=0, held=0).values_list("count", "held"))


def test_looking_deletes_nothing_and_nothing_is_deleted_before_somebody_looked(city: City, night: datetime) -> None:
    close_old(city, 3)

    due = {one.kind.slug: one for one in keeping.dry_run(authority_id=city.authority.pk, reader=city.administrator)}
    gone = keeping.work(now=night)

    assert (due["tickets"].count, len(due["tickets"].sample), due["alerts"].count) == (3, 3, 0)
    assert (gone, Ticket.objects.count(), KeepingRun.objects.count()) == (0, 3, 0)


def test_what_is_due_goes_with_all_that_belongs_to_it_and_the_rest_stays(city: City, night: datetime) -> None:
    close_old(city, 3)
    kept = close_old(city, 2, days=5)
    still_open = Ticket.objects.create(
        number="OFFEN", subject="offen", site=city.school_a, authority=city.authority, state_since=kept[0].state_since
    )
    keeping.switch(authority=city.authority, on=True, by=city.administrator)

    keeping.work(now=night)

    assert set(Ticket.objects.all()) == {*kept, still_open}
    assert (Article.objects.count(), OutgoingMail.objects.count()) == (2, 2)
    assert logged("tickets") == [(3, 0)]
    assert KeepingRun.objects.get().ended_at is not None
    assert keeping.work(now=night) == 0


def test_killed_in_the_middle_it_goes_on_and_nothing_is_counted_twice(
    city: City, night: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    close_old(city, 5)
    keeping.switch(authority=city.authority, on=True, by=city.administrator)
    monkeypatch.setattr(keeping, "BATCH", 2)
    real, calls = keeping.remove, []

    def dying(rows: Any) -> removing.Removed:
        calls.append(len(rows))
        removed = real(rows)
        if len(calls) == 2:
            raise KeyboardInterrupt  # as a worker that is told to stop between two statements
        return removed

    monkeypatch.setattr(keeping, "remove", dying)
    with pytest.raises(KeyboardInterrupt):
        keeping.work(now=night)
    assert (Ticket.objects.count(), logged("tickets")) == (3, [(2, 0)])

    keeping.work(now=night + timedelta(minutes=1))

    assert (Ticket.objects.count(), logged("tickets")) == (0, [(5, 0)])


def test_another_worker_that_comes_late_writes_nothing(city: City, night: datetime) -> None:
    close_old(city, 2)
    keeping.switch(authority=city.authority, on=True, by=city.administrator)
    rule = next(one for one in keeping.slices() if one.kind.slug == "tickets")
    run = KeepingRun.objects.create(day=night.date())
    log = Deletion.objects.create(run=run, kind="tickets", days=rule.days, happens="delete")
    stale = Deletion.objects.get(pk=log.pk)
    keeping.batch(log, rule, night.date())

    with pytest.raises(keeping.TakenOverError):
        keeping.batch(stale, rule, night.date())

    assert logged("tickets") == [(2, 0)]


@pytest.mark.parametrize("off", [True, False])
def test_rules_that_change_while_it_deletes_hold_from_the_next_batch_on(
    city: City, night: datetime, monkeypatch: pytest.MonkeyPatch, off: bool
) -> None:
    close_old(city, 12)
    keeping.switch(authority=city.authority, on=True, by=city.administrator)
    monkeypatch.setattr(keeping, "BATCH", 5)
    real = keeping.remove

    def remove(rows: Any) -> removing.Removed:
        removed = real(rows)
        if off:
            keeping.switch(authority=city.authority, on=False, by=city.administrator)
        else:
            kind = retention.kinds()["tickets"]
            keeping.set_period(authority=city.authority, kind=kind, days=kind.most, by=city.administrator)
        return removed

    monkeypatch.setattr(keeping, "remove", remove)
    keeping.work(now=night)

    assert Ticket.objects.count() == 7
    assert logged("tickets") == [(5, 0)]
    assert KeepingRun.objects.get().ended_at is not None


def test_another_period_for_the_same_authority_ends_the_one_before(city: City, night: datetime) -> None:
    close_old(city, 2)
    kind = retention.kinds()["tickets"]
    keeping.switch(authority=city.authority, on=True, by=city.administrator)
    keeping.set_period(authority=city.authority, kind=kind, days=30, by=city.administrator)
    rule = next(one for one in keeping.slices() if one.kind == kind and one.authority_id == city.authority.pk)
    log = Deletion.objects.create(
        run=KeepingRun.objects.create(day=night.date()), kind="tickets", authority_id=rule.authority_id, days=30
    )
    keeping.set_period(authority=city.authority, kind=kind, days=kind.most, by=city.administrator)

    assert keeping.batch(log, rule, night.date()) == 0
    assert log.ended_at is not None
    assert Ticket.objects.count() == 2


def test_what_something_kept_refers_to_stays_and_the_others_go(city: City, night: datetime) -> None:
    old = timezone.now() - timedelta(days=5000)
    change, other = (
        Change.objects.create(
            authority=city.authority, site=city.school_a, playbook="ap-restart", playbook_digest="0" * 64, digest="1" * 64,
            risk="low", starts_at=old, state="confirmed", state_since=old, approvals_needed=0,
        )
        for _ in range(2)
    )  # fmt: skip
    (kept,) = close_old(city, 1, days=5)
    ServiceRequest.objects.create(ticket=kept, change=change, slug="ap-restart", values={})
    keeping.switch(authority=city.authority, on=True, by=city.administrator)

    keeping.work(now=night)

    assert list(Change.objects.all()) == [change]
    assert logged("changes") == [(1, 1)]
    assert not Change.objects.filter(pk=other.pk).exists()


def test_an_authoritys_own_period_is_stored_only_where_it_differs(city: City, night: datetime) -> None:
    kind = retention.kinds()["tickets"]
    close_old(city, 1, days=60)
    keeping.switch(authority=city.authority, on=True, by=city.administrator)

    keeping.set_period(authority=city.authority, kind=kind, days=30, by=city.administrator)
    keeping.work(now=night)
    assert (Ticket.objects.count(), Period.objects.count()) == (0, 1)

    keeping.set_period(authority=city.authority, kind=kind, days=kind.days, by=city.administrator)
    assert Period.objects.count() == 0
    with pytest.raises(keeping.PeriodError):
        keeping.set_period(authority=city.authority, kind=kind, days=1, by=city.administrator)


def test_logins_are_first_shortened_then_deleted(city: City, night: datetime) -> None:
    for days in (1, 40, 100):
        row = UserSession.objects.create(
            user=city.technician, ip="10.0.0.7", user_agent="Firefox", session_key=f"key-{days}"
        )
        UserSession.objects.filter(pk=row.pk).update(last_seen_at=timezone.now() - timedelta(days=days))
    keeping.switch(authority=city.authority, on=True, by=city.administrator)

    keeping.work(now=night)

    assert set(UserSession.objects.values_list("session_key", "ip")) == {("key-1", "10.0.0.7"), ("key-40", "0.0.0.0")}


def test_the_log_names_nobody(city: City, night: datetime) -> None:
    close_old(city, 1, requester=city.coordinator_a)
    old = timezone.now() - timedelta(days=2000)
    Alert.objects.create(
        authority=city.authority, site=city.school_a, device=city.switch_a, kind="unreachable", severity="critical",
        opened_at=old, closed_at=old,
    )  # fmt: skip
    keeping.switch(authority=city.authority, on=True, by=city.administrator)

    keeping.work(now=night)

    said = repr(list(Deletion.objects.values()))
    assert logged("alerts") == [(1, 0)]
    assert city.coordinator_a.name not in said
    assert city.coordinator_a.email not in said


@pytest.mark.django_db(transaction=True)
def test_a_file_goes_with_its_row_and_not_before_the_commit(city: City) -> None:
    export = Export(person=city.stranger, asked_by=city.stranger, expires_at=timezone.now())
    export.data.save("exports/x.json", ContentFile(b"{}"), save=True)
    storage, name = export.data.storage, export.data.name

    from django.db import transaction

    with transaction.atomic():
        removing.remove([Export.objects.get(pk=export.pk)])
        assert storage.exists(name)

    assert not storage.exists(name)


def test_a_mail_as_it_came_goes_with_its_sealed_file(
    city: City, night: datetime, tmp_path: Path, settings: Settings, django_capture_on_commit_callbacks: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    receive(source=io.BytesIO(letter().as_bytes()))
    receive(source=io.BytesIO(letter("Neu", message_id="<2@x>").as_bytes()))
    old, fresh = IncomingMail.objects.order_by("pk")
    IncomingMail.objects.filter(pk=old.pk).update(received_at=timezone.now() - timedelta(days=100))
    keeping.switch(authority=city.authority, on=True, by=city.administrator)

    with django_capture_on_commit_callbacks(execute=True):
        keeping.work(now=night)

    assert list(IncomingMail.objects.all()) == [fresh]
    assert [str(one.relative_to(settings.MEDIA_ROOT)) for one in tmp_path.glob("files/mail/*/*")] == [fresh.file.name]
    assert logged("mail-received") == [(1, 0)]
    assert Ticket.objects.filter(pk=old.ticket_id).exists()
