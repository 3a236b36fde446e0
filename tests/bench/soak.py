"""A city for ten minutes: `python -m tests.bench.soak --devices 50000 --minutes 10`, with DATABASE_URL and BROKER_URL.

Real worker processes and beat poll the simulator, a tenth of whose devices never answer, every 60 s; every ten seconds a
line says how far behind polling is, how many of the dead are told of by an alert, and how much memory and CPU time the
workers take; the load of the machine stands beside it, since others may be at work on it. A walk of everything comes first
and is told apart; with `--taught` only a few hundred devices are walked at first, the others start with what those said, and
their walks come due over the hour, as they do in a city that has been polled for a while. A database whose autovacuum is
switched off is vacuumed once a minute, as often as autovacuum would.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psutil

from config.env import BASE_DIR
from tests.bench.polling import scratch, simulated
from tests.bench.vacuum import vacuumed

INTERVAL_S = 60
LOOK_EVERY_S = 10.0
LOAD = "from tests.bench.city import found, pilot; found({devices}, {port}); pilot({first})"
FIRST = 400
WALK_S = 3600.0


@dataclass(frozen=True)
class Asked:
    devices: int
    minutes: float
    workers: int
    dead: float
    taught: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=50_000)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--workers", type=int, default=2, help="processes that poll")
    parser.add_argument("--dead", type=float, default=0.1)
    parser.add_argument("--taught", action="store_true", help="walk a few hundred devices instead of all")
    asked = Asked(**vars(parser.parse_args()))
    with simulated("--dead", str(asked.dead), "--interfaces", "10") as port, scratch() as (given, database):
        environment = os.environ | given | _settings()
        print(f"{asked.devices} devices in {database}", flush=True)
        load = LOAD.format(devices=asked.devices, port=port, first=FIRST if asked.taught else asked.devices)
        subprocess.run([sys.executable, "manage.py", "shell", "-v0", "-c", load], cwd=BASE_DIR, env=environment, check=True)
        os.environ |= {name: environment[name] for name in (*given, *_settings())}
        import django

        django.setup()
        with _workers(asked.workers, environment) as workers, vacuumed():
            _watch(asked, workers)


def _settings() -> dict[str, str]:
    global _prefix  # noqa: PLW0603 - one run, one name
    _prefix = _prefix or f"soak-{uuid.uuid4().hex[:6]}"
    return {
        "POLL_INTERVAL_S": str(INTERVAL_S),
        "POLL_SHARDS": "4",
        "POLL_WINDOW": "1000",
        "BROKER_PREFIX": _prefix,
        "BROKER_URL": os.environ.get("BROKER_URL", ""),
    }


_prefix = ""


@contextmanager
def _workers(count: int, environment: dict[str, str]) -> Iterator[list[psutil.Process]]:
    """Those that poll, and behind them the one that does the rest, which leaves them the processor (docs/installing.md)."""
    celery = [sys.executable, "-m", "celery", "-A", "config"]
    options = ["--pool", "threads", "--without-gossip", "--without-mingle", "--loglevel", "WARNING"]
    commands = [
        [*celery, "worker", "-Q", f"{_prefix}.polling", "-n", f"poll{n}@%h", "--concurrency", "3", *options]
        for n in range(count)
    ]
    rest = f"{_prefix}.default,{_prefix}.asking"
    rest_of_it = ["nice", "-n", "5", *celery, "worker", "-Q", rest, "-n", "rest@%h", "--concurrency", "4", *options]
    commands += [rest_of_it, [*celery, "beat"]]
    with tempfile.TemporaryFile() as log:
        started = [subprocess.Popen(one, cwd=BASE_DIR, env=environment, stdout=log, stderr=log) for one in commands]
        try:
            yield [psutil.Process(process.pid) for process in started[: count + 1]]
        finally:
            for process in started:
                process.kill()
            for process in started:
                process.wait(10)


def _watch(asked: Asked, workers: Sequence[psutil.Process]) -> None:
    from fleet.monitoring.models import Latest
    from tests.bench.city import taught

    alive = int((FIRST if asked.taught else asked.devices) * (1 - asked.dead) * 0.99)
    begun = time.monotonic()
    while (walked := Latest.objects.count()) < alive:
        print(f"walking: {walked} of {alive} after {time.monotonic() - begun:.0f} s", flush=True)
        time.sleep(LOOK_EVERY_S)
    print(f"walked in {time.monotonic() - begun:.0f} s, {_cpu_s(workers):.0f} CPU-s", flush=True)
    if asked.taught:
        taught(asked.dead, INTERVAL_S, WALK_S)
        print(f"taught {Latest.objects.count()} after {time.monotonic() - begun:.0f} s", flush=True)
    _sum_up(_hold(asked.minutes * 60, workers), asked.minutes * 60)


@dataclass
class _Held:
    """What was seen, look by look."""

    lags: list[float] = field(default_factory=list)
    polling_mb: list[float] = field(default_factory=list)
    rest_mb: list[float] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)
    answered: int = 0
    polling_s: float = 0.0
    rest_s: float = 0.0
    """CPU time."""


def _sum_up(held: _Held, seconds: float) -> None:
    late = held.lags[len(held.lags) // 4 :]  # what the walk had left behind is caught up with first
    lags = f"at most {max(held.lags):.1f} s, after a quarter {max(late):.1f} s, in the end {held.lags[-1]:.1f} s"
    print(f"lag: {lags}", flush=True)
    for name, memory in (("polling", held.polling_mb), ("rest", held.rest_mb)):
        quarters = [memory[len(memory) * part // 4] for part in range(4)]
        print(f"memory, {name}: {', '.join(f'{one:.0f}' for one in (*quarters, memory[-1]))} MB by quarters", flush=True)
    cores = f"{held.polling_s / seconds:.2f} cores to poll, {held.rest_s / seconds:.2f} for the rest"
    each = held.polling_s / max(1, held.answered) * 1000
    print(f"CPU: {cores}; {each:.2f} ms for each of {held.answered} answered polls", flush=True)
    print(f"load of the machine: {min(held.loads):.1f} to {max(held.loads):.1f}", flush=True)


def _hold(seconds: float, workers: Sequence[psutil.Process]) -> _Held:
    from django.utils import timezone

    from fleet.monitoring.lag import poll_lag
    from fleet.monitoring.models import Alert, Doubt, Sample

    held, polling, rest = _Held(), workers[:-1], workers[-1:]
    then, spent, polled, written = _cpu_s(polling), _cpu_s(rest), Sample.objects.count(), _written()
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        time.sleep(LOOK_EVERY_S)
        lag: Any = poll_lag()
        held.lags.append(lag.longest_s)
        held.polling_mb.append(_memory_mb(polling))
        held.rest_mb.append(_memory_mb(rest))
        held.loads.append(os.getloadavg()[0])
        held.answered = Sample.objects.count() - polled
        held.polling_s, held.rest_s = _cpu_s(polling) - then, _cpu_s(rest) - spent
        per_s = held.answered / (time.monotonic() - begun)
        batches, spent_s = (now - before for now, before in zip(_written(), written, strict=True))
        figures = [
            f"{time.monotonic() - begun:4.0f} s: lag {lag.longest_s:6.1f} s, {lag.due:6} due, {lag.asked:5} asked",
            f"batch {spent_s / max(1, batches) * 1000:4.0f} ms, {per_s:6.0f} answered/s",
            f"{Alert.objects.open().count()} alerts, {Doubt.objects.due(timezone.now()).count()} doubts",
            f"{held.polling_mb[-1]:.0f} + {held.rest_mb[-1]:.0f} MB, {held.polling_s:.0f} + {held.rest_s:.0f} CPU-s",
            f"load {held.loads[-1]:.1f}",
        ]
        print(", ".join(figures), flush=True)
    return held


def _memory_mb(workers: Sequence[psutil.Process]) -> float:
    return sum(worker.memory_info().rss for worker in workers) / 2**20


def _written() -> tuple[float, float]:
    """Batches written so far, and the seconds that took."""
    from django.db.models import Sum

    from fleet.monitoring.models import Pulse

    sums = Pulse.objects.aggregate(batches=Sum("batches"), seconds=Sum("seconds"))
    return sums["batches"] or 0, sums["seconds"] or 0.0


def _cpu_s(workers: Sequence[psutil.Process]) -> float:
    return sum(used.user + used.system for used in (worker.cpu_times() for worker in workers))


if __name__ == "__main__":
    main()
