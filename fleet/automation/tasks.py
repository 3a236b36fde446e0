from celery import shared_task

from fleet.automation import services
from fleet.automation.services import tending


@shared_task(name="fleet.automation.execute")
def execute(run_id: int) -> None:
    """No time limit of Celery's: the playbook's own is kept by ansible-runner, and a lost lease ends the run."""
    services.execute(run_id=run_id)


@shared_task(name="fleet.automation.verify")
def verify(run_id: int) -> None:
    services.verify(run_id=run_id)


@shared_task(name="fleet.automation.look_after_loss", time_limit=300)
def look_after_loss(run_id: int) -> None:
    tending.look_after_loss(run_id=run_id)


@shared_task(name="fleet.automation.tend", time_limit=120)
def tend() -> None:
    services.tend()
