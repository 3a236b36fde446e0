from celery import shared_task

from helpdesk.tickets.services import bulk as jobs
from helpdesk.tickets.services import tending


@shared_task(name="helpdesk.tickets.tend", time_limit=240)
def tend() -> None:
    tending.tend()


@shared_task(name="helpdesk.tickets.bulk", time_limit=240)
def bulk(job_id: int) -> None:
    """One batch after the other, so that a stop is heard and a long list holds no worker for ever."""
    if jobs.go_on(job_id=job_id):
        bulk.delay(job_id)
