"""The Celery application: `celery -A config worker …`, tasks are found as `<room>/tasks.py`."""

import gc
import logging.config
import os
from typing import Any

import structlog
from celery import Celery
from celery.signals import setup_logging, task_postrun, task_prerun, worker_process_init, worker_ready

from config.broker import use_whole_messages

use_whole_messages()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("fleetdesk")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


NEW_OBJECTS = 10_000
"""So many more containers than were given up call for a look at the youngest of them: a batch of polls makes as many, and
Python's 700 are looked through a dozen times for it."""


@setup_logging.connect
def _log_like_the_rest(**_: Any) -> None:
    """Workers and beat log as the web does; with a receiver here, Celery leaves the loggers alone."""
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)


@task_prerun.connect
def _name_the_task(task_id: str, task: Any, **_: Any) -> None:
    """Every line that a task logs carries which one it was."""
    structlog.contextvars.bind_contextvars(task_id=task_id, task=task.name)


@task_postrun.connect
def _forget_the_task(**_: Any) -> None:
    structlog.contextvars.unbind_contextvars("task_id", "task")


@worker_ready.connect
@worker_process_init.connect
def collect_less(**_: Any) -> None:
    """What was imported stays for good: the collector of garbage need not look through it a few times a second."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
