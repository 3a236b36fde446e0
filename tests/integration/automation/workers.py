"""Runs that are carried out beside a test: by a thread of this process, or by a real worker that can be killed."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from django.db import OperationalError, connection, connections

from config.env import BASE_DIR
from fleet.automation import services
from fleet.automation.execution import tree
from fleet.automation.models import Run
from fleet.automation.services.attempt import mark
from fleet.devices.models import Device
from tests.integration.automation.conftest import School, wait_until

WORKER = """
import sys
from pathlib import Path
import django
django.setup()
from django.conf import settings
settings.PLAYBOOKS_DIR = Path(sys.argv[1])
from config.celery import app
queues = ",".join(settings.QUEUES[name] for name in ("automation", "default"))
app.worker_main(["worker", "-Q", queues, "--pool", "threads", "--concurrency", "2", "--loglevel", "WARNING"])
"""


@contextmanager
def working(run: Run) -> Iterator[threading.Thread]:
    """A worker of this process that carries the run out beside the test."""

    def work() -> None:
        try:
            with suppress(OperationalError):  # ends the task; the tender goes on from what is written
                services.execute(run_id=run.pk)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield thread
    finally:
        tree.kill_marked(mark(Run.objects.get(pk=run.pk)))
        thread.join(30)
        assert not thread.is_alive()


def alive(run: Run) -> list[psutil.Process]:
    return tree.marked(mark(Run.objects.get(pk=run.pk)))


def to_be_applied(school: School, playbook: str, devices: list[Device] | None = None) -> Run:
    """The queued execution of a change that needs no approval."""
    change = school.order(playbook, devices)
    services.execute(run_id=school.run(change, Run.Kind.PREVIEW).pk)
    services.tend()
    return school.run(change)


def begun(school: School, device: Device | None = None) -> bool:
    return "/tmp/begun" in school.machine(device or school.ap).files  # noqa: S108  (a path on the device)


def _environment() -> dict[str, str]:
    database = connection.settings_dict
    url = f"sqlite:///{database['NAME']}"
    if connection.vendor == "postgresql":
        url = os.environ["DATABASE_URL"].rsplit("/", 1)[0] + f"/{database['NAME']}"
    return os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": str(BASE_DIR)}


def start_worker(playbooks: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", WORKER, str(playbooks)], cwd=BASE_DIR, env=_environment())


def start_stopped_worker(school: School, run: Run) -> "subprocess.Popen[bytes]":
    """A worker that is stopped (SIGSTOP) in the middle of the run: alive, but without a beat."""
    code = (
        "import sys, django; django.setup()\nfrom pathlib import Path\nfrom django.conf import settings\n"
        "settings.PLAYBOOKS_DIR = Path(sys.argv[1]); settings.RUN_LEASE_S = 2\n"
        "from fleet.automation import services; services.execute(run_id=int(sys.argv[2]))"
    )
    argv = [sys.executable, "-c", code, str(school.playbooks), str(run.pk)]
    worker = subprocess.Popen(argv, cwd=BASE_DIR, env=_environment())
    wait_until(lambda: begun(school), 60)
    worker.send_signal(signal.SIGSTOP)
    return worker
