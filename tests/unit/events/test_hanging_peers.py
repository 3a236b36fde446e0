"""A peer that hangs holds one worker for one deadline, and none of the others."""

import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from fleet.events import webhooks
from fleet.events.models import Delivery, Webhook
from tests.conftest import City
from tests.unit.events.test_webhooks import Receiver, happen, receiver, wish

__all__ = ["receiver"]
DRIP_S = 0.1


class Dripping:
    """Answers one byte of a header at a time, for ever: every single read is in time."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(0.1)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        self.over = threading.Event()
        self.asked = 0
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        while not self.over.is_set():
            try:
                peer, _address = self.listener.accept()
            except TimeoutError:
                continue
            self.asked += 1
            with peer:
                self._drip(peer)

    def _drip(self, peer: socket.socket) -> None:
        try:
            peer.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not self.over.is_set():
                peer.sendall(b"x")
                time.sleep(DRIP_S)
        except OSError:
            pass

    def end(self) -> None:
        self.over.set()
        self.thread.join()
        self.listener.close()


@pytest.fixture
def dripping() -> Iterator[Dripping]:
    made = Dripping()
    yield made
    made.end()


@pytest.fixture(autouse=True)
def _short_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "WHOLE_S", 0.6)


def test_who_drips_is_given_up_and_the_next_one_is_told(city: City, receiver: Receiver, dripping: Dripping) -> None:
    webhooks.create(wish=wish(city, dripping.url), by_id=city.administrator.pk)
    webhooks.create(wish=wish(city, receiver.url), by_id=city.administrator.pk)
    for _ in range(3):
        happen(city, "alert.opened")
    began = time.monotonic()

    sent = webhooks.send_due(timezone.now() + timedelta(seconds=1))

    assert time.monotonic() - began < 5
    assert (sent, len(receiver.got), dripping.asked) == (3, 3, 1)
    hung = Delivery.objects.filter(webhook__url=dripping.url)
    assert sorted(hung.values_list("attempts", flat=True)) == [0, 0, 1]
    assert {row.state for row in hung} == {"pending"}
    assert hung.get(attempts=1).last_error.startswith("TimeoutError")
    assert not hung.filter(next_try_at__lte=timezone.now() + timedelta(seconds=5)).exists(), "the others rest with it"


def test_after_its_rest_another_event_is_tried_first(city: City, dripping: Dripping) -> None:
    """It may be one event alone on which the peer hangs."""
    webhooks.create(wish=wish(city, dripping.url), by_id=city.administrator.pk)
    for _ in range(2):
        happen(city, "alert.opened")
    now = timezone.now()

    for minutes in (1, 2):
        webhooks.send_due(now + timedelta(minutes=minutes))

    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}


def test_one_worker_at_a_time_sends_to_a_webhook(city: City, receiver: Receiver) -> None:
    webhooks.create(wish=wish(city, receiver.url), by_id=city.administrator.pk)
    happen(city, "alert.opened")
    now = timezone.now() + timedelta(seconds=1)
    Webhook.objects.update(busy_until=now + timedelta(seconds=30))

    assert webhooks.send_due(now) == 0
    assert webhooks.send_due(now + timedelta(seconds=31)) == 1, "a worker that died gives it back"
    assert Webhook.objects.get().busy_until is None
