"""Each event reaches each consumer once: with refusals, with poison, with two deliverers at the same time."""

import threading
import uuid
from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from fleet.events import consumers, services
from fleet.events.consumers import Handler
from fleet.events.models import Consumption, Event, Listener, Refusal
from fleet.events.rules import LONGEST_S, retry_delay_s
from fleet.people.models import Scope
from fleet.people.services import create_scope

ROUNDS = 25


@pytest.fixture(autouse=True)
def only_ours() -> Iterator[None]:
    """The registry of the product is set aside: these tests register their own consumers."""
    kept = dict(consumers._consumers)
    consumers._consumers.clear()
    yield
    consumers._consumers.clear()
    consumers._consumers.update(kept)


def happened(name: str = "test.happened", **payload: object) -> Event:
    with transaction.atomic():
        scope = create_scope(kind=Scope.Kind.AUTHORITY, name="Stadt")
        return services.emit(services.Fact(name, scope, payload=payload))


def swallow(event: Event) -> None:
    """A consumer that is content with every event."""


def refusing(error: Exception) -> Handler:
    def handle(event: Event) -> None:
        Scope.objects.create(kind=Scope.Kind.AUTHORITY, name="half done")
        raise error

    return handle


@pytest.mark.django_db(transaction=True)
def test_a_fact_outside_of_a_transaction_is_refused() -> None:
    scope = create_scope(kind=Scope.Kind.AUTHORITY, name="Stadt")

    with pytest.raises(RuntimeError, match="inside the transaction"):
        services.emit(services.Fact("test.happened", scope))


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_was_never_told() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012  (the roll-back is the subject)
        services.emit(services.Fact("test.happened", create_scope(kind=Scope.Kind.AUTHORITY, name="Stadt")))
        raise ZeroDivisionError

    assert not Event.objects.exists()


@pytest.mark.django_db
def test_every_consumer_gets_its_events_once_and_in_order() -> None:
    heard: list[tuple[str, int]] = []
    consumers.register("one", {"test.happened"}, lambda event: heard.append(("one", event.pk)))
    consumers.register("two", {"test.happened", "test.other"}, lambda event: heard.append(("two", event.pk)))
    first, other, second = happened(), happened("test.other"), happened()

    assert services.deliver() == 5
    assert services.deliver() == 0

    assert [pk for who, pk in heard if who == "one"] == [first.pk, second.pk]
    assert [pk for who, pk in heard if who == "two"] == [first.pk, other.pk, second.pk]


@pytest.mark.django_db
def test_poison_holds_up_nobody_and_leaves_nothing_half_done() -> None:
    heard: list[int] = []
    poison = happened()
    consumers.register("choking", {"test.happened"}, refusing(ValueError("cannot swallow")))
    consumers.register("healthy", {"test.happened"}, lambda event: heard.append(event.pk))

    services.deliver()

    assert heard == [poison.pk]
    assert not Scope.objects.filter(name="half done").exists()
    refusal = Refusal.objects.get(consumer="choking")
    assert (refusal.event_id, refusal.attempts, refusal.error) == (poison.pk, 1, "ValueError: cannot swallow")


@pytest.mark.django_db
def test_events_behind_poison_are_delivered() -> None:
    heard: list[int] = []
    poison, fine = happened(), happened()

    def handle(event: Event) -> None:
        if event.pk == poison.pk:
            raise ValueError("cannot swallow")
        heard.append(event.pk)

    consumers.register("choking", {"test.happened"}, handle)

    services.deliver()

    assert heard == [fine.pk]


@pytest.mark.django_db
def test_what_a_consumer_tells_is_delivered_in_the_same_call() -> None:
    heard: list[str] = []

    def tell_on(event: Event) -> None:
        services.emit(services.Fact("test.followed", Scope.objects.latest("pk")))

    consumers.register("first", {"test.happened"}, tell_on)
    consumers.register("second", {"test.followed"}, lambda event: heard.append(event.name))
    happened()

    assert services.deliver() == 2
    assert heard == ["test.followed"]


@pytest.mark.django_db
def test_more_events_than_one_batch_are_delivered_in_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "BATCH", 3)
    consumers.register("one", {"test.happened"}, swallow)
    for _ in range(10):
        happened()

    assert services.deliver() == 10


@pytest.mark.django_db
def test_a_refused_event_rests_and_is_tried_again() -> None:
    broken = True
    heard: list[int] = []

    def handle(event: Event) -> None:
        if broken:
            raise ValueError("not yet")
        heard.append(event.pk)

    event = happened()
    consumers.register("recovering", {"test.happened"}, handle)
    services.deliver()
    broken = False

    assert services.deliver() == 0, "it rests first"
    assert services.deliver(timezone.now() + timedelta(seconds=3)) == 1
    assert heard == [event.pk]
    assert not Refusal.objects.exists()


@pytest.mark.django_db
def test_a_consumer_s_own_integrity_error_is_a_refusal_not_a_success() -> None:
    def handle(event: Event) -> None:
        Consumption.objects.create(consumer="twice", event=event)
        Consumption.objects.create(consumer="twice", event=event)

    happened()
    consumers.register("clashing", {"test.happened"}, handle)

    assert services.deliver() == 0
    assert Refusal.objects.get().consumer == "clashing"


@pytest.mark.django_db(transaction=True)
def test_two_deliverers_at_once_deliver_each_event_once() -> None:
    """Real threads with a connection each; the effect is a row, so it counts what the database kept."""

    def handle(event: Event) -> None:
        Scope.objects.create(kind=Scope.Kind.AUTHORITY, name=f"effect of {event.pk}")

    events = [happened() for _ in range(ROUNDS)]
    consumers.register("racing", {"test.happened"}, handle)
    start = threading.Barrier(2)
    consumed: list[int] = []
    failed: list[BaseException] = []

    def deliver() -> None:
        try:
            start.wait(timeout=10)
            consumed.append(services.deliver())
        except BaseException as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=deliver) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert not failed
    assert sum(consumed) == ROUNDS
    effects = Scope.objects.filter(name__startswith="effect of").values_list("name", flat=True)
    assert sorted(effects) == sorted(f"effect of {event.pk}" for event in events)
    assert not Refusal.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_consumer_is_served_by_one_worker_at_a_time_and_by_another_when_that_one_has_died() -> None:
    """A storm wakes many workers; those that would only get in each other's way have nothing to do."""
    meanwhile: list[int] = []
    consumers.register("slow", {"test.happened"}, lambda _event: meanwhile.append(services.deliver()))
    happened()
    happened()

    assert services.deliver() == 2
    assert meanwhile == [0, 0]

    happened()
    dead = Listener.objects.filter(consumer="slow")
    dead.update(claim=uuid.uuid4(), claimed_until=timezone.now() + services.LEASE)
    assert services.deliver() == 0
    dead.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert services.deliver() == 1
    assert dead.get().claim is None


@pytest.mark.django_db
def test_delivery_costs_the_same_for_an_idle_consumer_however_many_events_there_were(
    django_assert_max_num_queries: pytest.FixtureRequest,
) -> None:
    consumers.register("one", {"test.happened"}, swallow)
    for number in range(5):
        consumers.register(f"elsewhere {number}", {"test.other"}, swallow)
    for _ in range(10):
        happened()
    services.deliver()

    with django_assert_max_num_queries(3):  # who listens from where, what was told, what waits for who hears it
        services.deliver()


@pytest.mark.django_db(transaction=True)
def test_who_tells_wakes_those_who_listen_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, list[list[str]]]] = []
    monkeypatch.setattr(services.current_app, "send_task", lambda name, args, **_options: sent.append((name, args)))

    with transaction.atomic():
        scope = create_scope(kind=Scope.Kind.AUTHORITY, name="Stadt")
        for name in ("test.happened", "test.other", "test.happened"):
            services.emit(services.Fact(name, scope))

    assert sent == [("fleet.events.deliver", [["test.happened", "test.other"]])], "one call, for all of it"


@pytest.mark.django_db
def test_only_who_listens_to_a_name_is_looked_at_for_it(django_assert_max_num_queries: pytest.FixtureRequest) -> None:
    heard: list[str] = []
    for who in ("one", "two", "three"):
        consumers.register(who, {f"test.{who}"}, lambda event: heard.append(event.name))
    happened("test.one")
    happened("test.two")

    assert services.deliver(names=["test.two"]) == 1
    assert heard == ["test.two"]
    with django_assert_max_num_queries(2):  # who listens from where, and what waits for that one
        services.deliver(names=["test.two"])
    assert services.deliver() == 1
    assert heard == ["test.two", "test.one"]


@pytest.mark.django_db(transaction=True)
def test_what_is_told_while_all_threads_are_at_it_is_delivered_by_one_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "_handing_over", threading.BoundedSemaphore(1))
    heard: list[str] = []

    def tell_on(event: Event) -> None:
        happened("test.followed")
        assert services.deliver(names=["test.followed"]) == 0, "this process is at it already"

    consumers.register("first", {"test.happened"}, tell_on)
    consumers.register("second", {"test.followed"}, lambda event: heard.append(event.name))
    happened()

    assert services.deliver(names=["test.happened"]) == 2
    assert heard == ["test.followed"]


class TestWhatConcernsNobody:
    """A storm of events costs those who have nothing to do with it a few queries."""

    @pytest.mark.django_db
    def test_it_is_passed_over_and_counts_as_had(self) -> None:
        heard: list[int] = []
        events = [happened(), happened(), happened()]
        only = events[1].pk
        consumers.register("choosy", {"test.happened"}, lambda event: heard.append(event.pk), lambda _events: {only, 10**9})

        assert services.deliver() == 3
        assert services.deliver() == 0

        assert heard == [only]
        assert Consumption.objects.filter(consumer="choosy").count() == 3

    @pytest.mark.django_db
    def test_a_sieve_that_breaks_lets_everything_through(self) -> None:
        heard: list[int] = []

        def broken(_events: Sequence[Event]) -> set[int]:
            raise ValueError("cannot say")

        consumers.register("choosy", {"test.happened"}, lambda event: heard.append(event.pk), broken)
        event = happened()

        services.deliver()

        assert heard == [event.pk]

    @pytest.mark.django_db
    def test_what_was_refused_is_tried_again_whatever_the_sieve_says(self) -> None:
        """It concerned the consumer once; that it had an effect is what its refusal waits for."""
        event, concerned, working = happened(), True, False

        def handle(_event: Event) -> None:
            if not working:
                raise ValueError("not yet")

        consumers.register("choosy", {"test.happened"}, handle, lambda _events: {event.pk} if concerned else set())
        services.deliver()
        concerned, working = False, True

        assert services.deliver(timezone.now() + timedelta(seconds=3)) == 1
        assert not Refusal.objects.exists()


@pytest.mark.parametrize(("attempts", "delay_s"), [(1, 2), (2, 4), (5, 32), (11, 2048), (12, LONGEST_S), (500, LONGEST_S)])
def test_the_rest_after_a_refusal_doubles_up_to_an_hour(attempts: int, delay_s: int) -> None:
    assert retry_delay_s(attempts) == delay_s


def test_the_suite_runs_on_a_database_that_threads_share(db: None) -> None:
    assert "memory" not in str(connection.settings_dict["NAME"])


class TestAfterALongTime:
    """The machine was off over the holidays, or a consumer refused for weeks."""

    @pytest.mark.django_db
    def test_what_waits_is_heard_however_old_it_is(self) -> None:
        heard: list[int] = []
        consumers.register("one", {"test.happened"}, lambda event: heard.append(event.pk))
        services.deliver()
        event = happened()
        Event.objects.update(occurred_at=timezone.now() - timedelta(days=30))

        services.deliver()

        assert heard == [event.pk]

    @pytest.mark.django_db
    def test_a_new_consumer_does_not_hear_of_last_year(self) -> None:
        heard: list[int] = []
        happened()
        Event.objects.update(occurred_at=timezone.now() - timedelta(days=300))
        recent = happened()

        consumers.register("new", {"test.happened"}, lambda event: heard.append(event.pk))
        services.deliver()

        assert heard == [recent.pk]

    @pytest.mark.django_db
    def test_what_was_had_is_passed_by_and_what_was_refused_is_not(self) -> None:
        def picky(event: Event) -> None:
            if event.payload.get("poison"):
                raise ValueError

        consumers.register("one", {"test.happened"}, picky)
        services.deliver()
        had, poison, later = happened(), happened(poison=True), happened()
        services.deliver()
        assert Consumption.objects.count() == 2

        services.deliver(now=timezone.now() + timedelta(days=3))

        assert Listener.objects.get().after_id == had.pk
        assert poison.pk < later.pk
        Refusal.objects.all().delete()
        Consumption.objects.create(consumer="one", event=poison)
        services.deliver(now=timezone.now() + timedelta(days=4))
        assert Listener.objects.get().after_id == later.pk
