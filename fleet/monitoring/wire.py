"""The network side of polling: devices go in, measurements come out, and neither waits for the database.

One thread per `Pump` runs the conversations. Silent devices have a window of their own, so they delay nobody; a site where
nobody answers is taken out of the way of the others as soon as that shows.
"""

import logging
import queue
import resource
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Any, Self

from django.utils import timezone

from fleet.monitoring import metrics
from fleet.monitoring.models import Health
from fleet.monitoring.rules import series
from fleet.monitoring.rules.measurement import Followed, Measurement
from fleet.snmp import profiles
from fleet.snmp.errors import ProfileError, SnmpError, SnmpProtocolError, SnmpRestarted, SnmpTimeout, SnmpTooLong
from fleet.snmp.fetch import GufoFetcher, Stream
from fleet.snmp.interpret import Answers, interpret
from fleet.snmp.plan import ACCESS_POINTS, Plan, Recorder, by_column, lister_of, make, still_holds
from fleet.snmp.profiles import Resolved
from fleet.snmp.read import SYS_OBJECT_ID, SYS_UP_TIME, read_once
from fleet.snmp.restarts import unbroken
from fleet.snmp.types import Oid, Reading, Target, Value

log = logging.getLogger(__name__)

DEVICE_BUDGET_S = 15.0
"""A device that answers, but so slowly that its poll takes longer, is given up."""
WALK_BUDGET_S = 60.0
"""In all: less than a tick lasts, or a slow device would be begun in each tick and never be through."""
WALK_RETRIES = 3
"""A walk is long: on a line that loses a third of all datagrams it is got through with patience only."""
SUSPECT = 8
"""So many unanswered polls at a site without an answer in between: it is silent as a whole."""
BATCH_S = 0.5
"""How long answers are gathered before they are written together."""
BATCH_SIZE = 250
STEP_S = 0.05
MIN_WINDOW = 8
MOST_WALKS = 96
"""A walk is work for the processor and waits for many answers: more at once would only make each of them late, fewer would
let them pile up while the processor has much else to do."""
MOST_FILES = 65_536
SPARE_FILES = 512


_fetcher = GufoFetcher()
"""One per process: it keeps the sockets that know the time of a device that speaks version 3."""


class Lane(StrEnum):
    LIVE = "live"
    WALK = "walk"
    """Devices that are read as a whole: a few at a time, so that each is through soon, and polls go on beside them."""
    DOOR = "door"
    """Devices that have never answered, until they do: only then they are walked. Those that do not hold up no walk."""
    SLOW = "slow"
    """Devices that did not answer last time."""


@dataclass(frozen=True, slots=True)
class Job:
    """A device to be asked: by its plan, or as a whole."""

    device_id: int
    site_id: int
    target: Target
    plan: Plan | None = None
    plan_id: int | None = None
    walk: bool = True
    """Ask it as a whole; with a plan, that stands in where the walk is not got through."""
    look: bool = False
    """Of a walk: somebody wants to know how it is, and its plan is good for a while yet. Making one costs more than that."""
    hopeless: bool = False
    """It has been silent for long: asking adds nothing while its whole site is."""


@dataclass(frozen=True, slots=True)
class PutOff:
    """It was not asked, because nobody at its site answers."""

    device_id: int


Outcome = Measurement | PutOff


class _Opened:
    """What has answered at the door."""


@dataclass
class _LaneState:
    window: int
    waiting: deque[Job] = field(default_factory=deque)
    in_flight: int = 0


class Pump:
    """Use as a context manager; leaving it ends whatever is still being asked."""

    def __init__(self, window: int) -> None:
        share = max(8, (allow_files() - SPARE_FILES) // 4)
        self._lanes = {
            Lane.LIVE: _LaneState(min(window, share)),
            Lane.WALK: _LaneState(min(max(MIN_WINDOW, window // 10), MOST_WALKS)),
            Lane.DOOR: _LaneState(min(max(MIN_WINDOW, window // 2), share)),
            Lane.SLOW: _LaneState(min(max(MIN_WINDOW, window // 2), share)),
        }
        self._arrived: queue.Queue[Outcome | None] = queue.Queue()
        self._silence: Counter[int] = Counter()
        """{site: unanswered polls since its last answer}"""
        self._over = threading.Event()
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="snmp", daemon=True)
        self._broken = False

    def __enter__(self) -> Self:
        profiles.default()  # reading them takes a second, in which nobody would be heard
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._wake.set()
        self._thread.join()

    def add(self, lane: Lane, jobs: Sequence[Job]) -> None:
        with self._lock:
            self._lanes[lane].waiting.extend(jobs)
        self._wake.set()

    def room(self, lane: Lane) -> int:
        """How many devices this lane should be given now, so that its window never runs empty."""
        state = self._lanes[lane]
        opened = len(self._lanes[Lane.WALK].waiting) if lane is Lane.DOOR else 0  # who has answered waits there for a walk
        return max(0, 2 * state.window - state.in_flight - len(state.waiting) - opened)

    @property
    def busy(self) -> bool:
        """Whether something has been given that has not been gathered yet."""
        if self._broken:
            return False
        with self._lock:
            waiting = any(state.waiting or state.in_flight for state in self._lanes.values())
        return waiting or not self._arrived.empty()

    def gather(self) -> list[Outcome]:
        """What has come in: at most BATCH_SIZE, after at most BATCH_S."""
        batch: list[Outcome] = []
        until = time.monotonic() + BATCH_S
        while len(batch) < BATCH_SIZE and (left := until - time.monotonic()) > 0 and self.busy:
            with suppress(queue.Empty):
                one = self._arrived.get(timeout=min(left, STEP_S))
                if one is not None:
                    batch.append(one)
        return batch

    # The thread

    def _run(self) -> None:
        try:
            with Stream[tuple[Lane, Job], Measurement | _Opened]() as stream:
                while not self._over.is_set():
                    self._start(stream, _fetcher)
                    self._take(stream.step(STEP_S if len(stream) else 0))
                    if not len(stream):
                        self._wake.wait(STEP_S)
                        self._wake.clear()
        except Exception:
            log.exception("polling broke off")
        finally:
            self._broken = True
            self._arrived.put(None)

    def _start(self, stream: Stream[tuple[Lane, Job], Measurement | _Opened], fetcher: GufoFetcher) -> None:
        for lane, state in self._lanes.items():
            begin = knock if lane is Lane.DOOR else ask
            while state.in_flight < state.window and (job := self._next(lane)) is not None:
                stream.start((lane, job), begin(fetcher, job), *_budgets(job))

    def _next(self, lane: Lane) -> Job | None:
        """The next one to be asked in this lane; it counts as in flight."""
        state = self._lanes[lane]
        with self._lock:
            while state.waiting:
                job = state.waiting.popleft()
                if self._silence[job.site_id] < SUSPECT:
                    state.in_flight += 1
                    return job
                if job.hopeless:
                    self._arrived.put(PutOff(job.device_id))
                elif lane is Lane.SLOW:
                    state.in_flight += 1
                    return job
                else:
                    self._lanes[Lane.SLOW].waiting.append(job)
        return None

    def _take(self, ended: Sequence[tuple[tuple[Lane, Job], Measurement | _Opened | SnmpError]]) -> None:
        for (lane, job), result in ended:
            self._silence[job.site_id] = self._silence[job.site_id] + 1 if isinstance(result, SnmpError) else 0
            if not isinstance(result, _Opened):
                self._arrived.put(_unanswered(job, result) if isinstance(result, SnmpError) else result)
            with self._lock:
                self._lanes[lane].in_flight -= 1
                if isinstance(result, _Opened):
                    self._lanes[Lane.WALK].waiting.append(job)


def _budgets(job: Job) -> tuple[float, float]:
    """Seconds for what is to be asked, and more for the poll that stands in for a walk that took too long."""
    if not job.walk:
        return DEVICE_BUDGET_S, 0.0
    return (WALK_BUDGET_S, 0.0) if job.plan is None else (WALK_BUDGET_S - DEVICE_BUDGET_S, DEVICE_BUDGET_S)


async def knock(fetcher: GufoFetcher, job: Job) -> _Opened:
    """Raises SnmpError. Whatever it says, it has answered."""
    with suppress(SnmpProtocolError):
        await fetcher.get(replace(job.target, retries=WALK_RETRIES), [SYS_UP_TIME])
    return _Opened()


async def ask(fetcher: GufoFetcher, job: Job) -> Measurement:
    """Raises SnmpError. What a device says must not stop the others, whatever it is."""
    try:
        if job.plan is None:
            return await _walk(fetcher, job)
        if not job.walk:
            return await _follow(fetcher, job, job.plan)
        return await _walk_or_follow(fetcher, job, job.plan)
    except (SnmpError, GeneratorExit):
        raise
    except Exception as error:
        log.exception("a device's answers could not be used", extra={"device_id": job.device_id})
        raise SnmpProtocolError(f"device {job.device_id}: its answers could not be used") from error


async def _follow(fetcher: GufoFetcher, job: Job, plan: Plan) -> Measurement:
    said = await unbroken(partial(fetcher.get, job.target, (SYS_OBJECT_ID, *plan.oids)))
    if plan.sys_object_id is not None and said.get(SYS_OBJECT_ID, plan.sys_object_id) != plan.sys_object_id:
        return await _walk(fetcher, job)  # another device stands there now: the old one's plan says nothing of it
    heard_at = timezone.now()
    listed = await _listed(fetcher, job, plan, said)
    missing = len(said) <= len(plan.oids) and any(oid not in said for oid in plan.oids)
    found = Followed(plan, plan.values(said), job.plan_id, walk_soon=missing)
    return Measurement(job.device_id, heard_at, None, followed=found, listed=listed)


async def _listed(fetcher: GufoFetcher, job: Job, plan: Plan, said: Mapping[Oid, Value]) -> list[dict[str, Any]] | None:
    """A controller's access points as it lists them now; None where it lists none, or could not be asked for all."""
    profile = profiles.default().by_name[plan.profile]
    if ACCESS_POINTS not in profile.tables_into:
        return None
    lister = lister_of(profile, plan.sys_object_id)
    walked: dict[Oid, dict[str, Value]] = {}
    try:
        for columns in lister.columns:
            walked |= by_column(columns, await fetcher.walk(job.target, columns))
        scalars = dict(said) | (await fetcher.get(job.target, lister.oids) if lister.oids else {})
    except SnmpError:
        return None
    return _access_points(interpret(lister, Answers(scalars, walked)).as_dict())


def _access_points(reading: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (reading.get("wireless") or {}).get("access_points") or []
    return found


async def _walk_or_follow(fetcher: GufoFetcher, job: Job, plan: Plan) -> Measurement:
    try:
        return await _walk(fetcher, job)
    except (SnmpTimeout, SnmpRestarted):
        polled = await _follow(fetcher, job, plan)
        return replace(polled, followed=polled.followed and replace(polled.followed, walk_failed=True))


async def _walk(fetcher: GufoFetcher, job: Job) -> Measurement:
    recorder, reading = await unbroken(partial(_recorded, fetcher, job))
    kept = _without_clients(reading)
    profile = profiles.default().by_name.get(reading.profile or "")
    if profile is None:
        raise ProfileError(f"no profile {reading.profile!r}")
    complete = ACCESS_POINTS in profile.tables_into and not reading.problems
    listed = _access_points(kept) if complete else None  # a table lost on the way says nothing of who is missing in it
    followed = await _followed(fetcher, job, profile, recorder, reading)
    return Measurement(job.device_id, timezone.now(), kept, followed=followed, listed=listed)


async def _recorded(fetcher: GufoFetcher, job: Job) -> tuple[Recorder, Reading]:
    """Of a device that nothing is known of yet, what it says before its time is up is kept: better than nothing."""
    recorder = Recorder(fetcher)
    try:
        return recorder, await read_once(recorder, replace(job.target, retries=WALK_RETRIES))
    except SnmpTooLong as slow:
        if job.plan is not None or slow.so_far is None:
            raise
        return recorder, slow.so_far


async def _followed(
    fetcher: GufoFetcher, job: Job, profile: Resolved, recorder: Recorder, reading: Reading
) -> Followed | None:
    """Numbers for after a walk. Raises SnmpTimeout where datagrams were lost that the plan which is there needs."""
    if job.plan is not None and job.look and _fits(job.plan, profile, reading):
        numbers = await _numbers(fetcher, job, job.plan, recorder)  # the device may have been changed since
        return Followed(job.plan, numbers, job.plan_id, walk_soon=True)
    if job.plan is not None and _still_holds(job.plan, profile, recorder, reading):
        return Followed(job.plan, await _numbers(fetcher, job, job.plan, recorder), job.plan_id)
    plan = _planned(job, profile, recorder, reading)
    if recorder.timeouts and job.plan is not None and _fits(job.plan, profile, reading) and _lacks(plan, job.plan):
        raise SnmpTimeout(f"device {job.device_id}: part of the walk was lost")
    return None if plan is None else Followed(plan, await _numbers(fetcher, job, plan, recorder))


def _fits(plan: Plan, profile: Resolved, reading: Reading) -> bool:
    return plan.profile == profile.name and reading.sysObjectID in (None, plan.sys_object_id)


def _still_holds(plan: Plan, profile: Resolved, recorder: Recorder, reading: Reading) -> bool:
    known = metrics.known()
    return still_holds(plan, profile, recorder.said, reading, series.followed(known), series.telling(known))


def _lacks(plan: Plan | None, other: Plan) -> bool:
    """Whether the other one follows more."""
    followed = {(cell.path, cell.key) for cell in plan.cells} if plan is not None else set()
    return any((cell.path, cell.key) not in followed for cell in other.cells)


async def _numbers(fetcher: GufoFetcher, job: Job, plan: Plan, recorder: Recorder) -> Sequence[float | None]:
    """Asked for once more: a walk may take a minute, and counters that were read anywhere in it make no rate."""
    try:
        return plan.values(await fetcher.get(job.target, plan.oids))
    except SnmpError:
        return series.uncounted(plan.cells, plan.values(recorder.said), metrics.known())


def _planned(job: Job, profile: Resolved, recorder: Recorder, reading: Reading) -> Plan | None:
    """None where no plan can be made: the device is then walked at every poll."""
    known = metrics.known()
    try:
        plan = make(profile, recorder.said, reading, series.followed(known), series.telling(known))
    except Exception as error:
        _tell_once(job.device_id, profile.name, error)
        return None
    return plan if plan.cells else None


_told: set[str] = set()
"""Of which profiles this process has said that they make no plan."""


def _tell_once(device_id: int, profile: str, error: Exception) -> None:
    if profile not in _told:
        _told.add(profile)
        log.warning("no plan could be made of a walk", exc_info=error, extra={"device_id": device_id, "profile": profile})


def _unanswered(job: Job, error: SnmpError) -> Measurement:
    return Measurement(job.device_id, timezone.now(), None, _REASONS.get(error.cause, Health.Reason.PROTOCOL))


_REASONS = {reason.value: reason.value for reason in Health.Reason}


def _without_clients(reading: Reading) -> dict[str, Any]:
    """Forwarding tables hold the MAC addresses of people's devices: they are not kept."""
    return replace(reading, forwarding=None).as_dict()


def allow_files() -> int:
    """Every device in flight has a socket: the process may open as many files as it may allow itself. Returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return wanted
    return soft
