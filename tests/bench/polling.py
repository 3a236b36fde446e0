"""Polling a city: what a device costs in CPU time, on the wire alone and written down, beside Debian's snmp_exporter.

The simulator is a process of its own on the last core; both managers ask the same devices on the first. Only CPU time of the
manager's own process counts (user and system), because wall time on shared machines says little.

`python -m tests.bench.polling wire|wire-v3|stored` is one side, in a process of its own; it prints one line of JSON.
"""

import argparse
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from config.env import BASE_DIR
from tests.bench.rows import TURNS, Row
from tests.bench.simulator import COMMUNITY, EXTEND, IF, IFX, INTERFACES, SYS_OBJECT_ID, UCD, UPTIME, USER, address, extend

if TYPE_CHECKING:
    from fleet.snmp.fetch import GufoFetcher
    from fleet.snmp.types import Credential

DEVICES = 4_000
DEVICES_V3 = 800
"""Fewer than the sockets that are kept: from the second poll on their engines are known."""
EXPORTER = shutil.which("prometheus-snmp-exporter") or "/usr/bin/prometheus-snmp-exporter"
SCALARS = [
    UPTIME,
    SYS_OBJECT_ID,
    "1.3.6.1.2.1.1.5.0",
    f"{UCD}.11.11.0",
    f"{UCD}.4.5.0",
    f"{UCD}.4.6.0",
    f"{UCD}.4.14.0",
    f"{UCD}.4.15.0",
    *map(extend, ("clients-wlan0", "clients-wlan1", "frequency-wlan0", "frequency-wlan1")),
]
COLUMNS = [f"{IF}.7", f"{IF}.8", f"{IF}.14", f"{IF}.20", f"{IFX}.1", f"{IFX}.6", f"{IFX}.10", f"{IFX}.15"]
POLL = (*SCALARS, *(f"{column}.{port}" for column in COLUMNS for port in range(1, INTERFACES + 1)))
"""12 scalars and 8 columns of 8 interfaces: 76 values."""


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@contextmanager
def simulated(*options: str) -> Iterator[int]:
    """The city as a process of its own; its port."""
    command = [sys.executable, "-m", "tests.bench.simulator", "0", *options]
    with subprocess.Popen(command, cwd=BASE_DIR, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            yield int(line.split()[1])
        finally:
            process.kill()


def pin() -> None:
    """The managers on the first core; the simulator puts itself on the last."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


# Ours


def wire(port: int, devices: int) -> dict[str, float]:
    """GET of known instances, nothing done with the answers."""
    from fleet.snmp.fetch import GufoFetcher
    from fleet.snmp.types import V2cCredential

    begun = cpu_s()
    _ask(GufoFetcher(), V2cCredential(COMMUNITY), port, devices)
    return {"devices": devices, "cpu_s": cpu_s() - begun}


def wire_v3(port: int, devices: int) -> dict[str, float]:
    """The same, signed and encrypted, of devices whose engine is known: as from the second poll on."""
    from fleet.snmp.fetch import GufoFetcher

    fetcher = GufoFetcher()
    _ask(fetcher, USER, port, devices)
    begun = cpu_s()
    _ask(fetcher, USER, port, devices)
    return {"devices": devices, "cpu_s": cpu_s() - begun}


def _ask(fetcher: "GufoFetcher", credential: "Credential", port: int, devices: int) -> None:
    from fleet.snmp.fetch import Stream
    from fleet.snmp.types import Target

    done = following = 0
    with Stream[int, Any]() as stream:
        while done < devices:
            while len(stream) < 400 and following < devices:
                stream.start(following, fetcher.get(Target(address(following), port, credential), POLL), 30)
                following += 1
            for _, said in stream.step(0.1):
                if len(said) != len(POLL):
                    sys.exit(f"an answer of {said}")
                done += 1


def stored(port: int, devices: int) -> dict[str, float]:
    """Ticks as workers run them: claimed, asked, rates, limits, states, samples and latest values in the database."""
    import django

    django.setup()
    from config.celery import collect_less
    from fleet.monitoring import services
    from fleet.monitoring.models import Latest
    from tests.bench.city import all_due, found

    collect_less()
    found(devices, port)
    walk, walked = cpu_s(), 0
    while walked < devices:  # a tick is over before a whole city has been walked
        walked += services.poll_due()
    walked_s = cpu_s() - walk
    all_due()
    services.poll_due()  # from here on there are rates
    used, server = [], _database_process()
    for _ in range(TURNS):
        all_due()
        begun, served = cpu_s(), _cpu_of(server)
        polled = services.poll_due()  # some come due once more meanwhile
        if polled < devices:
            sys.exit("not all were polled")
        used.append(((cpu_s() - begun) / polled, (_cpu_of(server) - served) / polled))
    plan = Latest.objects.select_related("plan").first()
    values = len(plan.plan.content["cells"]) if plan else 0
    ours, servers = min(used)
    return {
        "devices": devices,
        "cpu_s": ours * devices,
        "values": values,
        "walk_ms": walked_s / devices * 1000,
        "database_us": servers * 1e6,
    }


def _database_process() -> psutil.Process | None:
    """PostgreSQL's process for our connection, where it runs on this machine."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = int(cursor.fetchone()[0])
    return psutil.Process(pid) if psutil.pid_exists(pid) else None


def _cpu_of(process: psutil.Process | None) -> float:
    if process is None:
        return 0.0
    used = process.cpu_times()
    return used.user + used.system


def in_a_process(side: str, port: int, devices: int, environment: dict[str, str] | None = None) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.polling", side, str(port), str(devices)]
    ended = subprocess.run(
        command, cwd=BASE_DIR, env=os.environ | (environment or {}), capture_output=True, text=True, check=False
    )
    if ended.returncode:
        sys.exit(f"{side}: {ended.stderr[-2000:]}")
    found: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return found


# The peer


def module(*, v3: bool = False) -> str:
    """The same objects for snmp_exporter: it GETs scalars and walks columns."""
    scalars = [oid for oid in SCALARS if oid != SYS_OBJECT_ID]
    lines = ["ap:", *(_as_user() if v3 else ["  version: 2", "  auth:", f"    community: {COMMUNITY}"]), "  walk:"]
    lines += [f"  - {column}" for column in COLUMNS] + ["  get:"] + [f"  - {oid}" for oid in (*scalars, SYS_OBJECT_ID)]
    lines += ["  metrics:"]
    for number, oid in enumerate(scalars):
        kind = "DisplayString" if oid.startswith((EXTEND, "1.3.6.1.2.1.1.5")) else "gauge"
        lines += [f"  - name: scalar{number}", f"    oid: {oid}", f"    type: {kind}", "    help: x"]
    for number, column in enumerate(COLUMNS):
        kind = "DisplayString" if column == f"{IFX}.1" else "gauge" if column.endswith((".7", ".8", ".15")) else "counter"
        lines += [f"  - name: column{number}", f"    oid: {column}", f"    type: {kind}", "    help: x"]
        lines += ["    indexes:", "    - labelname: ifIndex", "      type: gauge"]
    return "\n".join(lines) + "\n"


def _as_user() -> list[str]:
    said = {"security_level": "authPriv", "username": USER.user, "password": USER.auth_key, "auth_protocol": "SHA256"}
    said |= {"priv_protocol": "AES", "priv_password": USER.priv_key}
    return ["  version: 3", "  auth:", *(f"    {name}: {value}" for name, value in said.items())]


def installed() -> bool:
    """Whether the peer is there. Who may install it has it installed; without it the rows say so."""
    if not Path(EXPORTER).exists() and os.geteuid() == 0 and shutil.which("apt-get"):
        command = ["apt-get", "install", "-y", "--no-install-recommends", "prometheus-snmp-exporter"]
        subprocess.run(command, capture_output=True, check=False)
    return Path(EXPORTER).exists()


@contextmanager
def exporter(*, v3: bool) -> Iterator[tuple[int, psutil.Process]]:
    """Its port and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="exporter") as folder:
        config = Path(folder) / "snmp.yml"
        config.write_text(module(v3=v3))
        command = [EXPORTER, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
        cores = {"GOMAXPROCS": "1"}
        with subprocess.Popen(command, env=os.environ | cores, stderr=subprocess.DEVNULL) as process:
            if hasattr(os, "sched_setaffinity"):
                os.sched_setaffinity(process.pid, {min(os.sched_getaffinity(0))})
            try:
                _until_it_answers(port)
                yield port, psutil.Process(process.pid)
            finally:
                process.kill()


def _until_it_answers(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                sys.exit("snmp_exporter did not start")
            time.sleep(0.1)
        else:
            return


def exported(port: int, devices: int, *, v3: bool = False) -> dict[str, float]:
    """As Prometheus scrapes it: one request per device, some at once. Only the exporter's own CPU time counts."""
    with exporter(v3=v3) as (web, process):
        before = process.cpu_times()
        threads = [threading.Thread(target=_scrape, args=(web, port, range(n, devices, 8))) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        after = process.cpu_times()
    return {"devices": devices, "cpu_s": after.user + after.system - before.user - before.system}


def _scrape(web: int, port: int, devices: range) -> None:
    for number in devices:
        url = f"http://127.0.0.1:{web}/snmp?module=ap&target={address(number)}:{port}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            if number < 8 and answer.read().count(b"column") < len(COLUMNS) * INTERFACES:
                sys.exit("snmp_exporter does not say the same")


# Rows


def rows() -> list[Row]:
    """Ratios are devices per CPU-second, ours ÷ the peer's; each side takes its best turn."""
    with simulated("--interfaces", "10") as port, scratch() as (environment, database):
        written = in_a_process("stored", port, DEVICES // 2, environment)
    with simulated() as port:
        peer = _best(exported(port, 600) for _ in range(TURNS)) if installed() else 0.0
        ours = _best(in_a_process("wire", port, DEVICES) for _ in range(TURNS))
    with simulated("--v3") as port:
        peer_v3 = _best([exported(port, 200, v3=True)]) if installed() else 0.0
        ours_v3 = _best(in_a_process("wire-v3", port, DEVICES_V3) for _ in range(TURNS))
    against = "Debian's snmp_exporter, the same 76 values" if peer else "snmp_exporter is not installed"
    note = (
        f"{written['values']:.0f} values with rates and limits in {database}; "
        f"a walk takes {written['walk_ms']:.1f} ms, the database {written['database_us']:.0f} µs per poll"
    )
    rate = written["devices"] / written["cpu_s"]
    return [
        _row("poll_wire", ours, peer, 5.0, against),
        _row("poll_wire_v3", ours_v3, peer_v3, 5.0, f"{against}, SNMPv3 with SHA-256 and AES-128"),
        _row("poll_stored", rate, peer, 1.5, f"{against}; {note}"),
    ]


def _row(name: str, ours: float, peer: float, goal: float, against: str) -> Row:
    ratio = ours / peer if peer else 0.0
    return Row(name, round(ours), round(peer), round(ratio, 2), goal, ratio >= goal, "devices/CPU-s", against)


def _best(turns: Iterator[dict[str, float]] | Any) -> float:
    return max(turn["devices"] / turn["cpu_s"] for turn in turns)


@contextmanager
def scratch() -> Iterator[tuple[dict[str, str], str]]:
    """An empty database: on DATABASE_URL's server, else on a PostgreSQL of this machine, else SQLite; the row says which."""
    url = os.environ.get("DATABASE_URL", "") or postgres_here()
    with tempfile.TemporaryDirectory(prefix="poll") as folder:
        environment = {"VAR_DIR": folder, "MODE": "demo", "DJANGO_SETTINGS_MODULE": "config.settings", "POLL_SHARDS": "1"}
        if url.startswith("postgres"):
            with _on_postgres(url) as own:
                yield _migrated(environment | {"DATABASE_URL": own}), "PostgreSQL"
        else:
            yield _migrated(environment | {"DATABASE_URL": ""}), "SQLite"


def postgres_here() -> str:
    """A server on loopback that lets `postgres` in; empty if there is none."""
    import psycopg

    url = "postgres://postgres@127.0.0.1:5432/postgres"
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return ""
    return url


@contextmanager
def _on_postgres(url: str) -> Iterator[str]:
    import psycopg

    head, _, _ = url.rpartition("/")
    name = f"bench_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{head}/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _migrated(environment: dict[str, str]) -> dict[str, str]:
    command = [sys.executable, "manage.py", "migrate", "-v0"]
    subprocess.run(command, cwd=BASE_DIR, env=os.environ | environment, check=True)
    return environment


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("side", choices=["wire", "wire-v3", "stored"])
    parser.add_argument("port", type=int)
    parser.add_argument("devices", type=int)
    asked = parser.parse_args()
    pin()
    print(json.dumps({"wire": wire, "wire-v3": wire_v3, "stored": stored}[asked.side](asked.port, asked.devices)))


if __name__ == "__main__":
    main()
