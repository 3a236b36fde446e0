"""Webhooks against a real HTTP server: signed, tried again, never redirected, never to where they should not go."""

import hmac
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import transaction
from django.utils import timezone

from fleet.events import services, webhooks
from fleet.events.models import Delivery, Event, Webhook
from fleet.events.rules import forbidden, sign, wanted, webhook_pause_s
from fleet.people import services as people
from fleet.people.models import User
from fleet.people.rules import Role
from tests.conftest import City


class Receiver:
    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((dict(self.headers), body))
                self.send_response(outer.answers.pop(0) if outer.answers else 204)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_port}/hook?x=1"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def wish(city: City, url: str, *, site: int | None = None, events: tuple[str, ...] = ("alert.*",)) -> webhooks.Wish:
    return webhooks.Wish("Leitstelle", url, city.authority.pk, site, events)


def happen(city: City, name: str, *, site: int | None = None) -> Event:
    with transaction.atomic():
        fact = services.Fact(
            name, city.access_point_a, city.authority.pk, site or city.school_a.pk, payload={"ä": "{{ x }}"}
        )
        event = services.emit(fact)
    services.deliver()
    return event


@pytest.mark.parametrize("what", ["role ended", "account closed", "role of one site", "nobody"])
def test_who_no_longer_manages_the_scope_hears_nothing_more(city: City, receiver: Receiver, what: str) -> None:
    ada = city.administrator
    hook, _key = webhooks.create(wish=wish(city, receiver.url), by_id=ada.pk)
    happen(city, "alert.opened")
    assert Delivery.objects.count() == 1
    if what == "account closed":
        User.objects.filter(pk=ada.pk).update(is_active=False)
    elif what == "nobody":
        Webhook.objects.filter(pk=hook.pk).update(made_by_id=None)
    else:
        ada.grants.all().delete()
    if what == "role of one site":
        people.grant(user=ada, role=Role.ADMINISTRATOR, scope_id=city.school_a.pk)

    happen(city, "alert.closed")
    assert webhooks.send_due() == 0

    assert not Delivery.objects.exists()
    assert receiver.got == []


def test_what_arrives_is_the_event_signed(city: City, receiver: Receiver) -> None:
    _hook, key = webhooks.create(wish=wish(city, receiver.url), by_id=city.administrator.pk)
    event = happen(city, "alert.opened")
    happen(city, "device.created")

    assert webhooks.send_due() == 1
    assert webhooks.send_due() == 0

    ((headers, body),) = receiver.got
    parts = dict(part.split("=") for part in headers["Fleetdesk-Signature"].split(","))
    expected = hmac.new(key.reveal().encode(), f"{parts['t']}.".encode() + body, "sha256").hexdigest()
    assert parts["v1"] == expected
    assert headers["Host"].startswith("localhost:")
    said = json.loads(body)
    assert (said["event"], said["id"], said["payload"]) == ("alert.opened", str(event.uid), {"ä": "{{ x }}"})
    row = Delivery.objects.get()
    assert (row.state, row.last_status, row.attempts) == ("delivered", 204, 1)


def test_what_fails_is_tried_again_and_in_the_end_given_up(city: City, receiver: Receiver) -> None:
    webhooks.create(wish=wish(city, receiver.url), by_id=city.administrator.pk)
    happen(city, "alert.opened")
    receiver.answers = [500, 302, 200]
    now = timezone.now()

    for hours in range(3):
        webhooks.send_due(now + timedelta(hours=2 * hours))

    row = Delivery.objects.get()
    assert (row.state, row.attempts, len(receiver.got)) == ("delivered", 3, 3), "a redirection is a failure"
    Delivery.objects.update(state="pending", attempts=14, next_try_at=now)
    receiver.answers = [500]
    webhooks.send_due(now + timedelta(hours=9))
    row.refresh_from_db()
    assert (row.state, row.last_error) == ("failed", "HTTP 500")
    assert webhooks.retry(delivery=row)
    assert not webhooks.retry(delivery=row)


def test_a_scope_hears_only_of_itself(city: City) -> None:
    webhooks.create(wish=wish(city, "https://a.example/", site=city.school_a.pk), by_id=city.administrator.pk)
    off, _key = webhooks.create(wish=wish(city, "https://b.example/"), by_id=city.administrator.pk)
    webhooks.switch(hook=off, enabled=False)

    happen(city, "alert.opened", site=city.school_b.pk)
    assert not Delivery.objects.exists()
    happen(city, "alert.opened")
    assert Delivery.objects.count() == 1


def test_our_own_machine_is_not_told_in_production(city: City, receiver: Receiver, settings: LazySettings) -> None:
    settings.WEBHOOKS_TO_LOOPBACK = False
    webhooks.create(wish=wish(city, receiver.url), by_id=city.administrator.pk)
    happen(city, "alert.opened")

    webhooks.send_due()

    assert not receiver.got
    assert "webhooks do not go" in Delivery.objects.get().last_error


@pytest.mark.parametrize(
    ("field", "spoilt"),
    [
        ("url", {"url": "file:///etc/passwd"}),
        ("url", {"url": "https://user:secret@a.example/"}),
        ("url", {"url": "https://a.example:99999/"}),
        ("url", {"url": "http://a.example/\r\nX: y"}),
        ("events", {"events": ()}),
        ("events", {"events": ("alert.opened", "{{ x }}")}),
        ("name", {"name": " "}),
    ],
)
def test_what_is_no_webhook_is_refused(city: City, field: str, spoilt: dict[str, Any]) -> None:
    said: dict[str, Any] = {"name": "x", "url": "https://a.example/", "events": ("*",)} | spoilt

    with pytest.raises(webhooks.WebhookError) as caught:
        webhooks.create(
            wish=webhooks.Wish(authority_id=city.authority.pk, site_id=None, **said), by_id=city.administrator.pk
        )

    assert set(caught.value.problems) == {field}


@pytest.mark.parametrize(
    ("address", "no"),
    [
        ("169.254.169.254", True), ("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("fe80::1%eth0", True),
        ("0.0.0.0", True), ("224.0.0.1", True), ("10.1.2.3", False), ("192.0.2.1", False), ("2001:db8::1", False),
    ],
)  # fmt: skip
def test_where_webhooks_do_not_go(address: str, no: bool) -> None:
    assert forbidden(address, allow_loopback=False) is no


def test_names_pauses_and_signatures() -> None:
    assert wanted("change.confirmed", ["change.*"])
    assert wanted("alert.opened", ["*"])
    assert not wanted("alert.opened", ["alert.closed", "change.*"])
    assert [webhook_pause_s(attempts) for attempts in (1, 2, 3, 12, 15)] == [10, 20, 40, 3600, None]
    assert sign("k", b"{}", 1).startswith("t=1,v1=")
