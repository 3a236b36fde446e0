from celery import shared_task

from fleet.events import services


@shared_task(name="fleet.events.deliver", time_limit=120)
def deliver() -> None:
    services.deliver()
