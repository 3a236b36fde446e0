"""Telling other programmes of events: signed, tried again, never followed elsewhere, never to our own machine by mistake."""

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import Min, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from fleet.events.addresses import UnsafeAddressError, addresses
from fleet.events.models import Delivery, Event, Webhook
from fleet.events.rules import PATTERN, sign, wanted, webhook_pause_s
from fleet.secrets.types import Secret

log = logging.getLogger(__name__)
NAME = "events.webhooks"
TIMEOUT = httpx.Timeout(10.0, connect=5.0)
WHOLE_S = 20.0
"""For one delivery; a server that drips its answer is not waited for longer."""
TICK_S = 30.0
"""For one webhook, and for a round over all of them; what is left waits for the next one."""
CLAIM = timedelta(seconds=90)
"""Longer than the last delivery that is begun within TICK_S can take."""
AT_ONCE = 100
SILENT = 0
ERROR_CHARACTERS = 300
KEPT = timedelta(days=30)
"""How long the log of deliveries goes back."""
SWEEP_EVERY_S = 3600
PORTS = range(1, 65536)
State = Delivery.State
Guard = Callable[[Event, int | None], bool]
"""check(event, id of the webhook's owner)"""
_guards: dict[str, Guard] = {}
OwnerCheck = Callable[[Webhook], bool]
_owner_checks: list[OwnerCheck] = []


class WebhookError(ValueError):
    """`problems`: {field: sentence}."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = problems


@dataclass(frozen=True)
class Wish:
    name: str
    url: str
    authority_id: int
    site_id: int | None
    events: Sequence[str]


def create(*, wish: Wish, by_id: int, idempotency_key: str | None = None) -> tuple[Webhook, Secret]:
    """The webhook and its key, which is shown this once; sent again with the same key of idempotency it is the same one.

    Raises WebhookError.
    """
    if problems := _problems(wish):
        raise WebhookError(problems)
    once = f"{by_id}:{idempotency_key}" if idempotency_key else None
    hook = _known(once) or _created(wish, by_id, once)
    return hook, Secret(str((hook.secret or {})["key"]))


def _known(once: str | None) -> Webhook | None:
    return Webhook.objects.filter(idempotency_key=once).first() if once else None


def _created(wish: Wish, by_id: int, once: str | None) -> Webhook:
    hook = Webhook(
        name=wish.name,
        url=wish.url,
        authority_id=wish.authority_id,
        site_id=wish.site_id,
        events=list(dict.fromkeys(wish.events)),
        secret={"key": f"whk_{secrets.token_urlsafe(32)}"},  # type: ignore[misc]  # the field's column is text, its value an object
        made_by_id=by_id,
        idempotency_key=once,
    )
    try:
        with transaction.atomic():
            hook.save()
    except IntegrityError:
        if known := _known(once):
            return known
        raise
    return hook


def _problems(wish: Wish) -> dict[str, str]:
    problems: dict[str, str] = {}
    if not wish.name.strip():
        problems["name"] = _("This is needed.")
    try:
        parts = urlsplit(wish.url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port in PORTS)
    except ValueError:
        usable = False
    if not usable or any(ord(one) <= ord(" ") for one in wish.url):
        problems["url"] = _("It must be an address that begins with https:// or http://.")
    elif parts.username or parts.password:
        problems["url"] = _("Please without a user name: who sends is shown by the signature.")
    if not wish.events or not all(PATTERN.fullmatch(one) for one in wish.events):
        problems["events"] = _("Names of events such as alert.opened or change.*, one per line.")
    return problems


def switch(*, hook: Webhook, enabled: bool) -> None:
    Webhook.objects.filter(pk=hook.pk).update(enabled=enabled)


def remove(*, hook: Webhook) -> None:
    hook.delete()


def retry(*, delivery: Delivery) -> bool:
    """Once more from the beginning; False for one that is on its way anyhow."""
    over = Delivery.objects.filter(pk=delivery.pk).exclude(state=State.PENDING)
    return over.update(state=State.PENDING, attempts=0, next_try_at=timezone.now(), ended_at=None) == 1


def guard(subject_type: str, check: Guard) -> None:
    """Rooms above say who may be told of their things: asked when an event is queued, and again when it is sent."""
    _guards[subject_type] = check


def owners(check: OwnerCheck) -> None:
    """The room of people says whether the owner still manages what the webhook hears of."""
    _owner_checks.append(check)


def may_be_told(event: Event, hook: Webhook) -> bool:
    if not all(manages(hook) for manages in _owner_checks):
        return False
    check = _guards.get(event.subject_type)
    return check is None or check(event, hook.made_by_id)


def consume(event: Event) -> None:
    """A delivery for each webhook that wants to hear of it, and may. No network here."""
    if event.authority_id is None:
        return
    where = Q(site_id__isnull=True) | Q(site_id=event.site_id)
    hooks = Webhook.objects.filter(where, enabled=True, authority_id=event.authority_id).defer("secret")
    found = [
        Delivery(webhook=hook, event=event) for hook in hooks if wanted(event.name, hook.events) and may_be_told(event, hook)
    ]
    Delivery.objects.bulk_create(found, ignore_conflicts=True)


def concerned(events: Sequence[Event]) -> set[int]:
    """What happened where some webhook listens."""
    listening = Webhook.objects.filter(enabled=True, authority_id__in={event.authority_id for event in events})
    authorities = set(listening.values_list("authority_id", flat=True))
    return {event.pk for event in events if event.authority_id in authorities}


def send_due(now: datetime | None = None) -> int:
    """Send what is due, webhook by webhook; returns how many were delivered. Any number of workers at once."""
    moment = now or timezone.now()
    pending = Webhook.objects.filter(
        _free(moment), enabled=True, deliveries__state=State.PENDING, deliveries__next_try_at__lte=moment
    )
    waiting = pending.annotate(first=Min("deliveries__next_try_at")).order_by("first", "pk")
    began, sent = time.monotonic(), 0
    for pk in list(waiting.values_list("pk", flat=True)[:AT_ONCE]):
        if time.monotonic() - began > TICK_S:
            break  # the next tick goes on
        sent += _send_all_of(pk, moment)
    if cache.add("events.webhooks.swept", 1, timeout=SWEEP_EVERY_S):
        Delivery.objects.filter(ended_at__lt=moment - KEPT).delete()
    return sent


def _free(now: datetime) -> Q:
    return Q(busy_until__isnull=True) | Q(busy_until__lte=now)


def _send_all_of(hook_id: int, now: datetime) -> int:
    """By one worker at a time, for TICK_S at most: who hangs holds neither the other webhooks nor the other workers."""
    claimed = now + CLAIM
    if Webhook.objects.filter(_free(now), pk=hook_id).update(busy_until=claimed) != 1:
        return 0
    due = Delivery.objects.filter(webhook=hook_id, webhook__enabled=True, state=State.PENDING, next_try_at__lte=now)
    began, sent = time.monotonic(), 0
    try:
        for delivery in due.select_related("webhook", "event").order_by("attempts", "next_try_at", "pk")[:AT_ONCE]:
            if time.monotonic() - began > TICK_S:
                break
            status = _claim_and_send(delivery, now)
            if status == SILENT:
                _let_rest(delivery, due)
                break
            sent += status is not None and httpx.codes.is_success(status)
    finally:
        Webhook.objects.filter(pk=hook_id, busy_until=claimed).update(busy_until=None)
    return sent


def _let_rest(delivery: Delivery, due: QuerySet[Delivery]) -> None:
    """Who did not answer is not asked for the next event either before it is asked again for this one."""
    until = Delivery.objects.filter(pk=delivery.pk).values_list("next_try_at", flat=True).get()
    due.filter(next_try_at__lt=until).update(next_try_at=until)


def _claim_and_send(delivery: Delivery, now: datetime) -> int | None:
    """The status, SILENT without one; None where there was nothing to send."""
    mine = Delivery.objects.filter(pk=delivery.pk, state=State.PENDING, next_try_at=delivery.next_try_at)
    if not may_be_told(delivery.event, delivery.webhook):
        mine.delete()  # the log must not tell of it either
        return None
    if mine.update(next_try_at=now + CLAIM, attempts=delivery.attempts + 1) != 1:
        return None
    delivery.attempts += 1
    status, error = _send(delivery)
    good = status is not None and httpx.codes.is_success(status)
    _note(delivery, status, "" if good else error, good=good)
    return SILENT if status is None else status


def _send(delivery: Delivery) -> tuple[int | None, str]:
    """(status, what went wrong)."""
    body = json.dumps(body_of(delivery.event), separators=(",", ":"), ensure_ascii=False).encode()
    try:
        status = _post(delivery, body)
    except UnsafeAddressError as error:
        return None, f"{error}, where webhooks do not go"
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return None, f"{type(error).__name__}: {error}"
    return status, f"HTTP {status}"


def body_of(event: Event) -> dict[str, Any]:
    return {
        "id": str(event.uid),
        "event": event.name,
        "occurred_at": event.occurred_at.isoformat(),
        "authority_id": event.authority_id,
        "site_id": event.site_id,
        "actor_id": event.actor_id,
        "subject": {"type": event.subject_type, "id": event.subject_id},
        "payload": event.payload,
    }


def _post(delivery: Delivery, body: bytes) -> int:
    """To the very address that was looked at: a name that leads elsewhere a moment later leads nowhere."""
    hook = delivery.webhook
    target = httpx.URL(hook.url)
    address = resolve(target.host, target.port or (443 if target.scheme == "https" else 80))
    headers = {
        "Host": target.netloc.decode("ascii"),
        "Content-Type": "application/json",
        "User-Agent": "Fleetdesk-Webhook/1",
        "Fleetdesk-Event": delivery.event.name,
        "Fleetdesk-Delivery": str(delivery.event.uid),
        "Fleetdesk-Signature": sign((hook.secret or {})["key"], body, int(time.time())),
    }
    request = httpx.Request(
        "POST",
        target.copy_with(host=address),
        content=body,
        headers=headers,
        extensions={"sni_hostname": target.host, "timeout": TIMEOUT.as_dict()},
    )
    return asyncio.run(_exchange(request))


async def _exchange(request: httpx.Request) -> int:
    """The status, within WHOLE_S: the timeouts of a socket begin anew with each byte that drips in. Raises TimeoutError."""
    async with asyncio.timeout(WHOLE_S), httpx.AsyncClient(follow_redirects=False, trust_env=False) as client:
        answer = await client.send(request, stream=True)
        try:
            return answer.status_code  # what it says beyond that is of no use, and may be endless
        finally:
            await answer.aclose()


def resolve(host: str, port: int) -> str:
    """An address of this host. Raises UnsafeAddressError if any of them is one that webhooks do not go to."""
    return addresses(host, port, allow_loopback=settings.WEBHOOKS_TO_LOOPBACK)[0]


def _note(delivery: Delivery, status: int | None, error: str, *, good: bool) -> None:
    now, pause = timezone.now(), webhook_pause_s(delivery.attempts)
    ended = good or pause is None
    state = State.DELIVERED if good else State.FAILED if ended else State.PENDING
    Delivery.objects.filter(pk=delivery.pk).update(
        state=state,
        last_status=status,
        last_error=error[:ERROR_CHARACTERS],
        ended_at=now if ended else None,
        next_try_at=now + timedelta(seconds=pause or 0),
    )
    if state == State.FAILED:
        log.warning("webhook given up", extra={"webhook_id": delivery.webhook_id, "event_id": delivery.event_id})
