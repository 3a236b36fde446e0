from celery import shared_task

from fleet.monitoring import services


@shared_task(name="fleet.monitoring.poll_due", soft_time_limit=60, time_limit=90)
def poll_due() -> None:
    services.poll_due()


@shared_task(name="fleet.monitoring.poll_now", soft_time_limit=60, time_limit=90)
def poll_now(device_ids: list[int]) -> None:
    services.poll_now(device_ids=device_ids)


@shared_task(name="fleet.monitoring.tend", soft_time_limit=60, time_limit=90)
def tend() -> None:
    services.tend()
