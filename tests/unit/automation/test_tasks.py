"""What is asked for by messages."""

import pytest
from django.conf import settings

from config.celery import app
from fleet.automation import tasks


def test_no_task_promises_a_limit_that_threads_do_not_keep() -> None:
    limits = [
        (task.name, task.time_limit, task.soft_time_limit)
        for task in (tasks.execute, tasks.verify, tasks.look_after_loss, tasks.tend)
        if task.time_limit or task.soft_time_limit
    ]

    assert limits == []


@pytest.mark.parametrize(
    ("task", "queue"), [("execute", "automation"), ("verify", "default"), ("look_after_loss", "default")]
)
def test_looking_at_what_was_done_waits_behind_no_playbook(task: str, queue: str) -> None:
    route = app.amqp.router.route({}, f"fleet.automation.{task}")

    assert route["queue"].name == settings.QUEUES[queue]
