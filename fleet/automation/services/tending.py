"""What must happen by itself as time goes by. Runs every few seconds, on any number of machines, also after a standstill."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from fleet.automation.execution import private, tree
from fleet.automation.models import Change, HostResult, Run
from fleet.automation.rules.lifecycle import too_late
from fleet.automation.services.attempt import mark, private_dir
from fleet.automation.services.claiming import DYING
from fleet.automation.services.losing import look_soon, lose
from fleet.automation.services.recording import Recorder
from fleet.automation.services.telling import move, queue_run, send, tell
from fleet.automation.services.verifying import measure_after_loss

log = logging.getLogger(__name__)
RESEND_AFTER = timedelta(seconds=3)
RESEND_EVERY_S = 10
RESEND_AT_MOST = 50
REMEMBERED_S = 3600
WORTH_A_LOOK = timedelta(days=1)
"""What is found later says little about the run."""
LIVE = (Run.State.QUEUED, Run.State.RUNNING)


def tend(*, now: datetime | None = None) -> None:
    """Each step and each row by itself: what goes wrong with one run holds up no other."""
    moment = now or timezone.now()
    for step in (
        _end_all_lost,
        _sweep,
        _take_over_verification,
        _look_again,
        _end_unanswered,
        _start_due,
        _revert_due,
        _send_waiting,
    ):
        with _apart(step.__name__):
            step(moment)


@contextmanager
def _apart(step: str, **about: Any) -> Iterator[None]:
    try:
        yield
    except Exception:  # whatever it was, the others have their turn, and this one has its next
        log.exception("tending failed", extra={"step": step} | about)


def _end_all_lost(now: datetime) -> None:
    """On another machine nothing can be killed from here: by then the child there has ended itself."""
    lost = Run.objects.filter(state=Run.State.RUNNING, lease_until__lt=now - DYING).select_related("change")
    for run in lost.defer("change__secret_arguments"):
        with _apart("end lost", run_id=run.pk):
            _end_lost(run)


def _end_unanswered(now: datetime) -> None:
    """Nobody has agreed within the time for which it was wanted."""
    over = Change.objects.filter(state=Change.State.AWAITING_APPROVAL, ends_at__lte=now)
    for change in over.defer("secret_arguments").order_by("ends_at", "pk"):
        with _apart("end unanswered", change_id=change.pk), transaction.atomic():
            if move(change, Change.State.CANCELLED):
                tell(change, "cancelled", too_late=True)


def _start_due(now: datetime) -> None:
    """Queue the execution of approved changes whose time has come; what comes too late for its span is cancelled."""
    live = Run.objects.filter(change=OuterRef("pk"), state__in=LIVE)
    due = Change.objects.filter(~Exists(live), state=Change.State.APPROVED, starts_at__lte=now)
    for change in due.defer("secret_arguments").order_by("starts_at", "pk"):
        with _apart("start", change_id=change.pk), transaction.atomic():
            if too_late(ends_at=change.ends_at, now=now):
                if move(change, Change.State.CANCELLED):
                    tell(change, "cancelled", too_late=True)
            elif Change.objects.select_for_update().filter(pk=change.pk, state=Change.State.APPROVED).exists():
                _queue_once(change, Run.Kind.APPLY)


def _revert_due(now: datetime) -> None:
    """Take back time-boxed changes at their end, whatever they achieved, once anything was started."""
    live = Run.objects.filter(change=OuterRef("pk"), state__in=LIVE)
    touched = Run.objects.filter(change=OuterRef("pk"), kind=Run.Kind.APPLY, started_at__isnull=False)
    busy = (Change.State.RUNNING, Change.State.VERIFYING)
    due = Change.objects.filter(~Exists(live), Exists(touched), box=Change.Box.PENDING, ends_at__lte=now)
    for change in due.exclude(state__in=busy).defer("secret_arguments").order_by("ends_at", "pk"):
        with _apart("take back", change_id=change.pk), transaction.atomic():
            _queue_once(change, Run.Kind.REVERT)


def _queue_once(change: Change, kind: Run.Kind) -> None:
    """Two tenders at once: the constraint «one live run per change» lets one through, the other's insert is undone."""
    try:
        with transaction.atomic():
            queue_run(change, kind)
    except IntegrityError:
        log.info("already queued", extra={"change_id": change.pk})


def _send_waiting(now: datetime) -> None:
    """Messages can be lost: those who wait are delivered again, in turn. The row decides, however often.

    Never all of them at once: behind workers that are busy for long, messages would only heap up.
    """
    waiting = Run.objects.filter(state=Run.State.QUEUED, queued_at__lt=now - RESEND_AFTER).order_by("pk")
    keys = {pk: f"automation.sent.{pk}" for pk in waiting.values_list("pk", flat=True)}
    sent, moment = cache.get_many(keys.values()), time.time()
    for pk in _next_to_send({pk: sent.get(key, 0.0) for pk, key in keys.items()}, moment):
        cache.set(keys[pk], moment, timeout=REMEMBERED_S)
        send(pk)


def _next_to_send(sent_at: Mapping[int, float], now: float) -> list[int]:
    """Those whose last message is the oldest; so many that RESEND_AT_MOST are on their way within RESEND_EVERY_S."""
    due = sorted((at, pk) for pk, at in sent_at.items() if abs(now - at) >= RESEND_EVERY_S)
    on_their_way = len(sent_at) - len(due)
    return [pk for _at, pk in due[: max(0, RESEND_AT_MOST - on_their_way)]]


def _take_over_verification(now: datetime) -> None:
    """A worker was killed while it measured: measuring is read-only, so another one does it again."""
    over = ~Q(state__in=LIVE) & Q(lease_until__lt=now)
    for pk in Run.objects.filter(over).values_list("pk", flat=True):
        if cache.add(f"automation.verify.{pk}", 1, timeout=RESEND_EVERY_S):
            current_app.send_task("fleet.automation.verify", args=[pk])


def _end_lost(run: Run) -> None:
    """The worker is gone. First nothing of the run may live, then its truth is written, then its devices are freed."""
    if not tree.kill_marked(mark(run)):
        log.error("a lost run's processes do not die", extra={"run_id": run.pk})
        return
    recorder = _what_it_told(run)
    if lose(run, recorder):
        private.remove(private_dir(run))
        log.warning("run lost", extra={"run_id": run.pk, "change_id": run.change_id, "worker": run.worker})


def _look_again(now: datetime) -> None:
    """Lost runs, and those stopped in their middle, that nobody has looked at yet. Later attempts speak for them."""
    later = Run.objects.filter(change=OuterRef("change"), pk__gt=OuterRef("pk"), started_at__isnull=False)
    unseen = HostResult.objects.filter(run=OuterRef("pk"), verdict="")
    begun = HostResult.objects.filter(run=OuterRef("pk")).exclude(state=HostResult.State.NOT_STARTED)
    ended = Run.objects.filter(Q(state=Run.State.LOST) | Q(state=Run.State.CANCELLED) & Exists(begun))
    ended = ended.filter(started_at__isnull=False, finished_at__gt=now - WORTH_A_LOOK).exclude(kind=Run.Kind.PREVIEW)
    for pk in ended.filter(Exists(unseen), ~Exists(later)).order_by("pk").values_list("pk", flat=True):
        look_soon(pk)


def _what_it_told(run: Run) -> Recorder:
    """Events that nobody can read keep no device locked: then every host may have been touched."""
    recorder = Recorder(run)
    try:
        if events := private.events(private_dir(run)):
            recorder.start_over()
            recorder.record(events)
    except (OperationalError, InterfaceError):  # the database is away: the events are there when it is back
        raise
    except Exception:
        log.exception("a lost run's events cannot be read", extra={"run_id": run.pk})
        recorder = Recorder(run)
        recorder.doubt()
    return recorder


def _sweep(_now: datetime) -> None:
    """Private directories whose run is over: their worker was killed between the run's end and its cleaning."""
    for path in Path(settings.RUN_DIR).glob("run-*-*"):
        with _apart("sweep", path=path.name):
            _, number, token = path.name.split("-", 2)
            over = Run.objects.filter(pk=int(number)).exclude(state__in=LIVE) if number.isdecimal() else Run.objects.none()
            if any(run.token.hex.startswith(token) for run in over):
                private.remove(path)


def look_after_loss(*, run_id: int) -> None:
    measure_after_loss(Run.objects.select_related("change").defer("change__secret_arguments").get(pk=run_id))
