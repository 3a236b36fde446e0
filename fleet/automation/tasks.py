"""What Celery may ask for. None of it has a time limit of Celery's: workers are threads, and a thread cannot be ended.

Each ends by itself: a playbook by its own time, which ansible-runner keeps in a process of its own; measuring by the
deadlines of `fleet.monitoring`; and tending asks no device for anything.
"""

from celery import shared_task

from fleet.automation import services
from fleet.automation.services import tending


@shared_task(name="fleet.automation.execute")
def execute(run_id: int) -> None:
    """A lost lease ends the run, too."""
    services.execute(run_id=run_id)


@shared_task(name="fleet.automation.verify")
def verify(run_id: int) -> None:
    services.verify(run_id=run_id)


@shared_task(name="fleet.automation.look_after_loss")
def look_after_loss(run_id: int) -> None:
    tending.look_after_loss(run_id=run_id)


@shared_task(name="fleet.automation.tend")
def tend() -> None:
    services.tend()
