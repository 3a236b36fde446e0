"""Whether promises were kept: by the deadlines of the history, waiting left out, for each ticket and counted."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from fleet.devices.models import Device
from fleet.monitoring.models import Alert
from fleet.sites import services as sites
from fleet.sites.models import Site
from helpdesk.tickets import promises, schools, services
from helpdesk.tickets.models import Agreement, Article, Category, Ticket, Transition
from helpdesk.tickets.promises import Tally
from helpdesk.tickets.services import sla
from tests.conftest import City

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
Opens = Callable[..., Ticket]
H = timedelta(hours=1)


@pytest.fixture
def opens(city: City) -> Opens:
    """Opened on Monday, promised an answer within 60 and a solution within 240 minutes around the clock."""
    Agreement.objects.create(
        authority=city.authority, name_de="Alles", hours="always", first_response_min=60, resolution_min=240
    )

    def make(subject: str = "x", *, at: datetime = MONDAY, steps: tuple[tuple[timedelta, str], ...] = (),
             answer: timedelta | None = None, **more: object) -> Ticket:  # fmt: skip
        fields = {"site": city.school_a, "requester": city.coordinator_a} | more
        ticket = services.open_ticket(opening=services.Opening(subject=subject, **fields))  # type: ignore[arg-type]
        Ticket.objects.filter(pk=ticket.pk).update(created_at=at, state=steps[-1][1] if steps else "new")
        old = "new"
        for after, state in steps:
            Transition.objects.create(ticket=ticket, old=old, new=state, at=at + after)
            old = state
        if answer is not None:
            Article.objects.create(ticket=ticket, author=city.technician, body="Ja.", answers=True, created_at=at + answer)
        return ticket

    return make


def alert(device: Device) -> Alert:
    return Alert.objects.create(
        authority_id=device.authority_id, site_id=device.site_id, device=device, kind="unreachable", opened_at=MONDAY
    )


def outcomes(now: datetime = MONDAY + 48 * H) -> dict[str, tuple[str, str]]:
    sla.reckon_due()
    return {row.subject: (row.response, row.resolution) for row in promises.judged(Ticket.objects.all(), now)}  # type: ignore[attr-defined]


def test_each_ticket_is_kept_broken_or_running(opens: Opens, city: City) -> None:
    opens("in time", answer=H / 2, steps=((3 * H, "resolved"),))
    opens("answer late", answer=2 * H, steps=((3 * H, "resolved"),))
    opens("to the minute", answer=H, steps=((4 * H, "resolved"),))
    opens("nobody", at=MONDAY)
    opens("fresh", at=MONDAY + 48 * H - H / 2)
    opens("seen by monitoring", requester=None, alert=alert(city.switch_a), steps=((5 * H, "resolved"),))

    assert outcomes() == {
        "in time": ("kept", "kept"),
        "answer late": ("broken", "kept"),
        "to the minute": ("kept", "kept"),
        "nobody": ("broken", "broken"),
        "fresh": ("running", "running"),
        "seen by monitoring": ("", "broken"),
    }


def test_people_without_an_account_were_promised_an_answer_too(opens: Opens, city: City) -> None:
    by_mail = {"requester": None, "channel": Article.Channel.MAIL}
    opens("by mail", answer=2 * H, **by_mail)
    opens("by label", requester=None, at=MONDAY + 48 * H - H / 2)
    seen_too = opens("by mail, and seen", answer=H / 2, **by_mail)
    seen = opens("seen", requester=None, alert=alert(city.switch_a))
    services.merge(source=seen, into=seen_too, by=city.technician)

    said = {name: response for name, (response, _resolution) in outcomes().items() if name != "seen"}

    assert said == {"by mail": "broken", "by label": "running", "by mail, and seen": "kept"}
    assert Ticket.objects.get(subject="by label").due_clock == "first-response"


def test_time_of_waiting_does_not_count(opens: Opens) -> None:
    waited = ((H, "waiting-requester"), (30 * H, "open"), (32 * H, "resolved"))
    opens("three hours of ours", answer=H / 2, steps=waited)
    opens("five hours of ours", answer=H / 2, steps=(*waited[:2], (34 * H, "resolved")))
    opens("still waiting", answer=H / 2, steps=((H, "waiting-vendor"),))
    opens("too late already", answer=H / 2, steps=((5 * H, "waiting-vendor"),))

    assert {name: resolution for name, (_response, resolution) in outcomes().items()} == {
        "three hours of ours": "kept",
        "five hours of ours": "broken",
        "still waiting": "running",
        "too late already": "broken",
    }


def test_a_ticket_that_was_opened_again_has_to_be_done_in_time_altogether(opens: Opens) -> None:
    opens("again", answer=H / 2, steps=((H, "resolved"), (20 * H, "open"), (24 * H, "resolved")))

    assert outcomes()["again"] == ("kept", "broken")


def test_counted_by_month_school_and_category(
    opens: Opens, city: City, django_assert_num_queries: Callable[..., object]
) -> None:
    network = Category.objects.create(authority=city.authority, slug="netz", name_de="Netz")
    opens("a", answer=H / 2, steps=((2 * H, "resolved"),), category=network)
    opens("b", answer=2 * H, steps=((2 * H, "resolved"),), category=network)
    opens("c", at=MONDAY + timedelta(days=31), answer=H / 2, steps=((2 * H, "resolved"),))
    opens("d", site=city.school_b, requester=city.coordinator_b)
    sla.reckon_due()

    with django_assert_num_queries(3):
        lines = promises.counted(Ticket.objects.all(), MONDAY + timedelta(days=60))

    assert [(one.month, one.site, one.category, one.response, one.resolution) for one in lines] == [
        ("2026-03", "Schule A", "Netz", Tally(1, 1), Tally(2)),
        ("2026-03", "Schule B", "", Tally(0, 1), Tally(0, 1)),
        ("2026-04", "Schule A", "", Tally(1), Tally(1)),
    ]
    assert promises.summed(lines, "site") == [
        ("Schule A", Tally(2, 1), Tally(3)),
        ("Schule B", Tally(0, 1), Tally(0, 1)),
    ]
    assert Tally(2, 1).percent == pytest.approx(66.67, abs=0.01)
    assert Tally(0, 0, 3).percent is None


def test_schools_and_categories_of_the_same_name_are_told_apart(opens: Opens, city: City) -> None:
    Site.objects.update(name="Grundschule", street="Am Anger 1")
    Site.objects.filter(pk=city.school_b.pk).update(street="Bergstr. 2")
    elsewhere = sites.create_authority(name="Anderstadt")
    same = [Category.objects.create(authority=one, slug="netz", name_de="Netz") for one in (city.authority, elsewhere)]
    opens("a", answer=H / 2, steps=((2 * H, "resolved"),), category=same[0])
    opens("b", site=city.school_b, requester=city.coordinator_b, category=same[1])
    sla.reckon_due()

    lines = promises.counted(Ticket.objects.all(), MONDAY + timedelta(days=60))

    assert promises.summed(lines, "site") == [
        ("Grundschule (Am Anger 1)", Tally(1), Tally(1)),
        ("Grundschule (Bergstr. 2)", Tally(0, 1), Tally(0, 1)),
    ]
    assert [one[0] for one in promises.summed(lines, "category")] == ["Netz (Anderstadt)", "Netz (Stadt Musterstadt)"]


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        ({1: ("A", "x"), 2: ("B", "x")}, {1: "A", 2: "B"}),
        ({1: ("A", "x", "p"), 2: ("A", "x", "q")}, {1: "A (p)", 2: "A (q)"}),
        ({1: ("A", "", "p"), 2: ("A", "x", "q")}, {1: "A (p)", 2: "A (q)"}),
        ({1: ("A", "x"), 2: ("A", "x"), 3: ("B", "")}, {1: "A (1)", 2: "A (2)", 3: "B"}),
        ({}, {}),
    ],
)
def test_what_is_called_alike(rows: dict[int, tuple[str, ...]], wanted: dict[int, str]) -> None:
    assert schools.told_apart(rows) == wanted


def test_without_an_agreement_nothing_was_promised(city: City) -> None:
    services.open_ticket(opening=services.Opening(site=city.school_a, subject="x", requester=city.coordinator_a))

    assert outcomes() == {"x": ("", "")}
    assert promises.counted(Ticket.objects.all(), MONDAY) == []


def test_what_went_on_in_another_ticket_was_promised_there(opens: Opens, city: City) -> None:
    answered, other = opens("x", answer=H / 2), opens("y")
    services.merge(source=answered, into=other, by=city.technician)
    sla.reckon_due()

    (line,) = promises.counted(Ticket.objects.all(), MONDAY + 48 * H)

    assert sum(vars(line.response).values()) == 1
