"""What must happen by itself as time goes by. Runs every few seconds, on any number of machines, also after a standstill."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from fleet.automation.execution import private, tree
from fleet.automation.models import Change, HostResult, Run, Target
from fleet.automation.rules.lifecycle import too_late
from fleet.automation.services import boxes, holding, mending, remedies, schedules
from fleet.automation.services.approving import ask_anew, end_approval, end_request, never_begun, unanswered
from fleet.automation.services.attempt import mark, private_dir
from fleet.automation.services.claiming import DYING
from fleet.automation.services.decisions import agreed_to_something_else
from fleet.automation.services.losing import lose
from fleet.automation.services.recording import Recorder
from fleet.automation.services.rollouts.advancing import advance, stop
from fleet.automation.services.rollouts.taking_back import end_taking_back, gives_up, goes_on, take_back_next
from fleet.automation.services.settling import free_settled, look_soon
from fleet.automation.services.telling import send
from fleet.automation.services.turns import apart, each, in_turn
from fleet.automation.services.verifying import measure_after_loss
from fleet.monitoring.models import Health

log = logging.getLogger(__name__)
RESEND_AFTER = timedelta(seconds=3)
RESEND_EVERY_S = 10
RESEND_AT_MOST = 50
VERIFY_WITHIN_S = 60
"""A message that nobody took in this time is worth nothing: newer ones are behind it."""
SENT = "automation.sent"
"""Key under which stands how many were sent again within the last RESEND_EVERY_S."""
WORTH_A_LOOK = timedelta(days=1)
"""What is found later says little about the run."""
UNDER_WAY = (Change.State.RUNNING, Change.State.VERIFYING)


def tend(*, now: datetime | None = None) -> None:
    """Each step and each row by itself: what goes wrong with one run holds up no other, and no step takes long."""
    moment = now or timezone.now()
    for step in (
        _end_all_lost,
        _sweep,
        _take_over_verification,
        free_settled,
        mending.tend,
        _look_again,
        _end_unanswered,
        _expire,
        _start_due,
        _call_back,
        _go_on,
        _revert_due,
        remedies.tend,
        schedules.tend,
        _send_waiting,
    ):
        with apart(f"{step.__module__}.{step.__name__}"):
            step(moment)


def _end_all_lost(now: datetime) -> None:
    """On another machine nothing can be killed from here: by then the child there has ended itself."""
    lost = Run.objects.filter(state=Run.State.RUNNING, lease_until__lt=now - DYING)
    for pk in in_turn("end lost", lost):
        with apart("end lost", run_id=pk):
            for run in lost.filter(pk=pk).select_related("change").defer("change__secret_arguments"):
                _end_lost(run)


def _end_unanswered(now: datetime) -> None:
    """Nobody has agreed, or let it go on, within the time for which it was wanted, and nothing was touched."""
    states = (Change.State.AWAITING_APPROVAL, Change.State.PAUSED, Change.State.HALTED)
    over = Change.objects.filter(~Exists(_touching()), state__in=states, ends_at__lte=now)
    each("end unanswered", over.defer("secret_arguments"), partial(stop, late=True))


def _touching() -> QuerySet[Run]:
    return Run.objects.filter(change=OuterRef("pk"), kind=Run.Kind.APPLY, started_at__isnull=False)


def _idle() -> QuerySet[Change]:
    """Changes of which no run lives or is being measured."""
    busy = Run.objects.filter(Q(state__in=Run.LIVE) | Q(lease_until__isnull=False), change=OuterRef("pk"))
    return Change.objects.filter(~Exists(busy)).defer("secret_arguments")


def _expire(now: datetime) -> None:
    """Requests and approvals that are no longer good."""
    each("expire requests", unanswered(now), partial(end_request, now=now))
    each("expire approvals", never_begun(now), partial(end_approval, now=now))


def _start_due(now: datetime) -> None:
    """Queue the first step of approved changes whose time has come; what comes too late for its span is cancelled."""
    _ask_about("start", _idle().filter(state=Change.State.APPROVED, starts_at__lte=now), _start, now)


def _ask_about(step: str, changes: QuerySet[Change], act: Callable[[Change, datetime], None], now: datetime) -> None:
    def tried(change: Change) -> None:
        with holding.held_if_it_fails(change, now):
            act(change, now)

    each(step, changes, tried, numbers=holding.next_to_ask(changes, now))


def _start(change: Change, now: datetime) -> None:
    if agreed_to_something_else(change):
        ask_anew(change, now)
    elif too_late(ends_at=change.ends_at, now=now) and not _begun(change).exists():
        stop(change, late=True)
    else:
        _advance(change, now)


def _advance(change: Change, now: datetime) -> None:
    _once(change, partial(advance, change, now))


def _begun(change: Change) -> QuerySet[Run]:
    return change.runs.filter(kind=Run.Kind.APPLY, started_at__isnull=False)


def _call_back(now: datetime) -> None:
    """Devices that were offline and have answered since: they wait for their turn again."""
    heard = Health.objects.filter(device=OuterRef("device"), failures=0, answered_at__lte=now)
    back = Target.objects.filter(Exists(heard), state=Target.State.PENDING_OFFLINE)
    mine = back.filter(change=OuterRef("pk"))

    def wait_again(change: Change) -> None:
        if back.filter(change=change).update(state=Target.State.WAITING):
            holding.let_go(change)

    each("call back", _idle().filter(Exists(mine), state=Change.State.RUNNING), wait_again)


def _go_on(now: datetime) -> None:
    """Changes between two steps: policy may allow the next one now, a device may be back, a worker may have died."""
    _ask_about("go on", _idle().filter(state=Change.State.RUNNING), _advance, now)


def _revert_due(now: datetime) -> None:
    """Take back time-boxed changes at their end, whatever they achieved, and those that are being rolled back."""
    over = Q(Exists(_touching()), box=Change.Box.PENDING, ends_at__lte=now) & ~Q(state__in=UNDER_WAY)
    due = _idle().filter(over | Q(state=Change.State.ROLLING_BACK))
    each("take back", due, partial(_next_of_taking_back, now=now))


def _next_of_taking_back(change: Change, now: datetime) -> None:
    if change.state == Change.State.ROLLING_BACK:
        _once(change, partial(_take_back, change, now))
    else:
        boxes.advance(change, now)


def _take_back(change: Change, now: datetime) -> None:
    if change.taking_back_since is None:
        change.taking_back_since = now
        change.save(update_fields=["taking_back_since"])
    if gives_up(change, now):
        end_taking_back(change, None, gave_up=True)
    elif not take_back_next(change) and not goes_on(change):
        end_taking_back(change, None)


def _once(change: Change, act: Callable[[], object]) -> None:
    """Two tenders at once: the constraint «one live run per change» lets one through, the other's insert is undone."""
    try:
        with transaction.atomic():
            act()
    except IntegrityError:
        log.info("already queued", extra={"change_id": change.pk})


def _send_waiting(now: datetime) -> None:
    """Messages can be lost: those who wait are delivered again, in turn. The row decides, however often.

    Never all of them at once: behind workers that are busy for long, messages would only heap up. So RESEND_AT_MOST are sent
    within RESEND_EVERY_S, and no more rows than that are read.
    """
    left = RESEND_AT_MOST - int(cache.get(SENT) or 0)
    if left <= 0:
        return
    waiting = Run.objects.filter(state=Run.State.QUEUED, queued_at__lt=now - RESEND_AFTER)
    sent = 0
    for pk in in_turn("send waiting", waiting, left):
        if cache.add(f"automation.sent.{pk}", 1, timeout=RESEND_EVERY_S):
            send(pk)
            sent += 1
    if sent and not cache.add(SENT, sent, timeout=RESEND_EVERY_S):
        with suppress(ValueError):  # just over
            cache.incr(SENT, sent)


def _take_over_verification(now: datetime) -> None:
    """A worker was killed while it measured: measuring is read-only, so another one does it again."""
    over = ~Q(state__in=Run.LIVE) & Q(lease_until__lt=now)
    for pk in in_turn("take over verification", Run.objects.filter(over)):
        if cache.add(f"automation.verify.{pk}", 1, timeout=RESEND_EVERY_S):
            current_app.send_task("fleet.automation.verify", args=[pk], expires=VERIFY_WITHIN_S)


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
    """Lost runs, and those stopped in their middle, that nobody has looked at since their devices have settled.

    Later attempts speak for them. What a lost taking back has left behind is always looked at: it does not end before.
    """
    later = Run.objects.filter(change=OuterRef("change"), pk__gt=OuterRef("pk"), started_at__isnull=False)
    later = later.exclude(kind=Run.Kind.MEND)
    unseen = HostResult.objects.filter(run=OuterRef("pk"), verdict="")
    begun = HostResult.objects.filter(run=OuterRef("pk")).exclude(state=HostResult.State.NOT_STARTED)
    ended = Run.objects.filter(Q(state=Run.State.LOST) | Q(state=Run.State.CANCELLED) & Exists(begun))
    worth = Q(finished_at__gt=now - WORTH_A_LOOK) & ~Exists(later)
    taking_back = Q(change__box=Change.Box.REVERTING) | Q(change__state=Change.State.ROLLING_BACK)
    awaited = taking_back & Q(kind=Run.Kind.REVERT, state=Run.State.LOST)
    ended = ended.filter(worth | awaited, started_at__isnull=False, locks__isnull=True).exclude(kind=Run.Kind.PREVIEW)
    for pk in in_turn("look again", ended.filter(Exists(unseen))):
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
        with apart("sweep", path=path.name):
            _, number, token = path.name.split("-", 2)
            over = (
                Run.objects.filter(pk=int(number)).exclude(state__in=Run.LIVE) if number.isdecimal() else Run.objects.none()
            )
            if any(run.token.hex.startswith(token) for run in over):
                private.remove(path)


def look_after_loss(*, run_id: int) -> None:
    measure_after_loss(Run.objects.select_related("change").defer("change__secret_arguments").get(pk=run_id))
