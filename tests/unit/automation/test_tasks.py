"""What is asked for by messages."""

from fleet.automation import tasks


def test_no_task_promises_a_limit_that_threads_do_not_keep() -> None:
    limits = [
        (task.name, task.time_limit, task.soft_time_limit)
        for task in (tasks.execute, tasks.verify, tasks.look_after_loss, tasks.tend)
        if task.time_limit or task.soft_time_limit
    ]

    assert limits == []
