"""A city for ten minutes: `python -m tests.bench.soak --devices 50000 --minutes 10`, with DATABASE_URL and BROKER_URL.

Real worker processes and beat poll the simulator, a tenth of whose devices never answer, every 60 s; every ten seconds a
line says how far behind polling is and how much memory and CPU time the workers take. A walk of everything comes first and
is told apart; with `--taught` only a few hundred devices are walked at first, the others start with what those said, and
their walks come due over the hour, as they do in a city that has been polled for a while.
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
from dataclasses import dataclass
from typing import Any

import psutil

from config.env import BASE_DIR
from tests.bench.polling import scratch, simulated

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
        with _workers(asked.workers, environment) as workers:
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
    celery = [sys.executable, "-m", "celery", "-A", "config"]
    options = ["--pool", "threads", "--without-gossip", "--without-mingle", "--loglevel", "WARNING"]
    commands = [
        [*celery, "worker", "-Q", f"{_prefix}.polling", "-n", f"poll{n}@%h", "--concurrency", "3", *options]
        for n in range(count)
    ]
    rest = f"{_prefix}.default,{_prefix}.asking"
    commands += [[*celery, "worker", "-Q", rest, "-n", "rest@%h", "--concurrency", "4", *options], [*celery, "beat"]]
    with tempfile.TemporaryFile() as log:
        started = [subprocess.Popen(one, cwd=BASE_DIR, env=environment, stdout=log, stderr=log) for one in commands]
        try:
            yield [psutil.Process(process.pid) for process in started[:count]]
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
    lags, memory, cpu = _hold(asked.minutes * 60, workers)
    late = lags[len(lags) // 4 :]  # what the walk had left behind is caught up with first
    print(f"lag: at most {max(late):.1f} s, in the end {lags[-1]:.1f} s", flush=True)
    print(f"memory of the workers: {memory[0]:.0f} MB at the beginning, {memory[-1]:.0f} MB in the end", flush=True)
    print(f"CPU: {cpu / (asked.minutes * 60):.2f} cores", flush=True)


def _hold(seconds: float, workers: Sequence[psutil.Process]) -> tuple[list[float], list[float], float]:
    from fleet.monitoring.lag import poll_lag
    from fleet.monitoring.models import Sample

    lags: list[float] = []
    memory: list[float] = []
    before, polled, begun, written = _cpu_s(workers), Sample.objects.count(), time.monotonic(), _written()
    while time.monotonic() - begun < seconds:
        time.sleep(LOOK_EVERY_S)
        lag: Any = poll_lag()
        lags.append(lag.longest_s)
        memory.append(sum(worker.memory_info().rss for worker in workers) / 2**20)
        per_s = (Sample.objects.count() - polled) / (time.monotonic() - begun)
        batches, spent_s = (now - then for now, then in zip(_written(), written, strict=True))
        batch_ms = spent_s / max(1, batches) * 1000
        figures = f"lag {lag.longest_s:6.1f} s, {lag.due:6} due, {lag.asked:5} asked, batch {batch_ms:4.0f} ms"
        print(f"{figures}, {per_s:6.0f} answered/s, {memory[-1]:6.0f} MB", flush=True)
    return lags, memory, _cpu_s(workers) - before


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
