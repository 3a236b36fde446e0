"""One act on many tickets: rights, workflow and outcome for each; stops, and goes on after a crash."""

from typing import Any

import pytest

from fleet.people import services as people
from fleet.people.models import Grant, User
from fleet.people.rules import Role
from helpdesk.tickets import services
from helpdesk.tickets.models import BulkJob, BulkRow, Category, Macro, Queue, Tag, Ticket
from helpdesk.tickets.rules.bulk import Standing, Verdict, verdict
from helpdesk.tickets.rules.macros import filled, unknown
from helpdesk.tickets.services import bulk, macros, presence
from tests.conftest import City

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("act", "value", "standing", "expected"),
    [
        ("state", "resolved", Standing("open", True, True, False), (Verdict.GO, "")),
        ("state", "closed", Standing("open", True, True, False), (Verdict.FAILED, "not-from-here")),
        ("state", "resolved", Standing("resolved", True, True, True), (Verdict.UNCHANGED, "")),
        ("state", "resolved", Standing("open", True, False, False), (Verdict.REFUSED, "not-yours")),
        ("state", "resolved", Standing("open", False, True, True), (Verdict.REFUSED, "not-yours")),
        ("take", "", Standing("new", True, True, False), (Verdict.GO, "")),
        ("take", "", Standing("new", True, True, False, owned_by_another=True), (Verdict.FAILED, "somebody-else")),
        ("take", "", Standing("resolved", True, True, False), (Verdict.FAILED, "not-from-here")),
        ("assign", "7", Standing("open", True, True, False, fits=False), (Verdict.FAILED, "does-not-fit")),
        ("tag", "7", Standing("resolved", True, True, False), (Verdict.GO, "")),
        ("tag", "7", Standing("closed", True, True, False), (Verdict.FAILED, "not-from-here")),
    ],
)
def test_what_an_act_does_to_a_ticket(act: str, value: str, standing: Standing, expected: tuple[Verdict, str]) -> None:
    assert verdict(act, value, standing) == expected


def opened(city: City, count: int, **more: Any) -> list[Ticket]:
    fields: dict[str, Any] = {"site": city.school_a, "requester": city.coordinator_a} | more
    return [services.open_ticket(opening=services.Opening(subject=f"Nummer {number}", **fields)) for number in range(count)]


def outcomes(job: BulkJob) -> list[tuple[str, str]]:
    return list(job.rows.order_by("pk").values_list("state", "reason"))


def run(city: City, act: str, value: object = "", by: User | None = None) -> BulkJob:
    job = bulk.order(rows=Ticket.objects.all(), act=act, value=str(value), by=by or city.technician)
    while bulk.go_on(job_id=job.pk):
        pass
    job.refresh_from_db()
    return job


def test_every_act_does_what_it_says(city: City) -> None:
    (ticket,) = opened(city, 1)
    scope = {"authority": city.authority}
    queue = Queue.objects.create(**scope, slug="netz", name_de="Netz")
    category = Category.objects.create(**scope, slug="wlan", name_de="WLAN")
    tag = Tag.objects.create(**scope, name="dringend")
    macro = Macro.objects.create(**scope, name_de="Dank", body_de="Danke, {{ requester }} ({{ number }}).", to="resolved")
    acts = [
        ("take", ""),
        ("assign", city.administrator.pk),
        ("priority", 4),
        ("queue", queue.pk),
        ("category", category.pk),
        ("tag", tag.pk),
        ("state", "waiting-vendor"),
        ("macro", macro.pk),
    ]

    for act, value in acts:
        assert outcomes(run(city, act, value)) == [("done", "")], act
    for act, value in acts[1:6]:
        assert outcomes(run(city, act, value)) == [("unchanged", "")], act

    ticket.refresh_from_db()
    assert (ticket.owner, ticket.priority, ticket.queue, ticket.category) == (city.administrator, 4, queue, category)
    assert (list(ticket.tags.all()), ticket.state) == ([tag], Ticket.State.RESOLVED)
    assert ticket.articles.filter(body=f"Danke, Alma ({ticket.number}).").count() == 1


def test_rights_are_asked_for_each_ticket_when_its_turn_comes(city: City) -> None:
    opened(city, 1)
    opened(city, 1, site=city.school_b)
    job = bulk.order(rows=Ticket.objects.all(), act="priority", value="4", by=city.technician)
    Grant.objects.filter(user=city.technician, scope=city.school_b.pk).delete()
    people.grant(user=city.technician, role=Role.COORDINATOR, scope_id=city.school_b.pk)

    bulk.go_on(job_id=job.pk)

    assert outcomes(job) == [("done", ""), ("refused", "not-yours")]
    job.refresh_from_db()
    assert (job.state, job.total) == (BulkJob.State.DONE, 2)


@pytest.mark.parametrize("loses", ["role", "account"])
def test_who_loses_the_right_meanwhile_changes_nothing_more(loses: str, city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(city, 3)
    do_row = bulk._do_row

    def do_and_lose(*args: Any) -> None:
        do_row(*args)
        if loses == "role":
            Grant.objects.filter(user=city.technician).delete()
        else:
            User.objects.filter(pk=city.technician.pk).update(is_active=False)

    monkeypatch.setattr(bulk, "_do_row", do_and_lose)

    job = run(city, "priority", 4)

    assert outcomes(job) == [("done", ""), ("refused", "not-yours"), ("refused", "not-yours")]
    assert Ticket.objects.filter(priority=4).count() == 1


def test_a_long_list_goes_in_batches_and_stops_when_told(city: City) -> None:
    opened(city, bulk.BATCH + 5)
    job = bulk.order(rows=Ticket.objects.all(), act="priority", value="3", by=city.technician)

    assert bulk.go_on(job_id=job.pk) is True
    assert bulk.stop(job=job) is True
    assert bulk.go_on(job_id=job.pk) is False

    states = [state for state, _reason in outcomes(job)]
    assert (states.count(BulkRow.State.DONE), states.count(BulkRow.State.STOPPED)) == (bulk.BATCH, 5)
    assert Ticket.objects.filter(priority=3).count() == bulk.BATCH


def test_nobody_has_more_than_two_jobs_done_at_once(city: City) -> None:
    opened(city, 1)

    def order(by: User, key: str | None = None) -> BulkJob:
        return bulk.order(rows=Ticket.objects.all(), act="priority", value="3", by=by, idempotency_key=key)

    first, _second = order(city.technician, "k"), order(city.technician)
    with pytest.raises(bulk.BusyError):
        order(city.technician)
    assert order(city.technician, "k") == first, "the same order again is no further one"
    assert order(city.administrator).pk

    bulk.go_on_with_all()
    assert order(city.technician).pk


def test_what_a_dead_worker_left_is_gone_on_with_and_done_once(city: City) -> None:
    opened(city, 3)
    job = bulk.order(rows=Ticket.objects.all(), act="priority", value="3", by=city.technician)
    first = job.rows.first()
    assert first is not None
    bulk._do_row(job, first, "3")
    bulk._do_row(job, first, "3")

    assert bulk.go_on_with_all() == 1
    assert bulk.go_on_with_all() == 0

    assert outcomes(job) == [("done", "")] * 3


def test_what_was_to_be_set_may_be_gone(city: City) -> None:
    opened(city, 1)

    assert outcomes(run(city, "queue", 10**6)) == [("failed", "gone")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hallo {{ requester }}", "Hallo {{ me }}"),
        ("{{requester}}{{ number }}", "{{ me }}F1"),
        ("{{ lookup('pipe','id') }}", "{{ lookup('pipe','id') }}"),
        ("{{ other }}", "{{ other }}"),
    ],
)
def test_placeholders_are_filled_once(text: str, expected: str) -> None:
    assert filled(text, {"requester": "{{ me }}", "number": "F1", "me": "Theo"}) == expected


def test_unknown_placeholders_are_named() -> None:
    assert unknown("{{ number }} {{ nmber }} {{ nmber }}") == ["nmber"]


def test_a_macro_speaks_the_requesters_language(city: City) -> None:
    (ticket,) = opened(city, 1)
    macro = Macro.objects.create(authority=city.authority, name_de="Dank", body_de="Danke", body_en="Thank you")
    city.coordinator_a.language = "en"
    ticket.requester = city.coordinator_a

    assert macros.text_for(ticket=ticket, macro=macro, by=city.technician) == "Thank you"


def test_who_else_is_here_until_the_page_is_silent(city: City) -> None:
    from datetime import timedelta

    from helpdesk.tickets.models import Presence

    (ticket,) = opened(city, 1)
    presence.say(ticket=ticket, user=city.technician, typing=False)
    presence.say(ticket=ticket, user=city.administrator, typing=False)
    presence.say(ticket=ticket, user=city.administrator, typing=True)

    here = presence.others(ticket=ticket, user=city.technician)
    assert [(one.user, one.typing) for one in here] == [(city.administrator, True)]

    Presence.objects.update(seen_at=here[0].seen_at - timedelta(minutes=1))
    assert not presence.others(ticket=ticket, user=city.technician)
    presence.forget()
    assert not Presence.objects.exists()
