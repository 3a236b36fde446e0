from celery import shared_task

from fleet.monitoring import services


@shared_task(name="fleet.monitoring.poll_due", soft_time_limit=60, time_limit=90)
def poll_due() -> None:
    services.send_ticks()


@shared_task(name="fleet.monitoring.poll_shard", soft_time_limit=90, time_limit=120)
def poll_shard(queue: str, number: int, tick: int) -> None:
    services.run_tick(queue=queue, number=number, tick=tick)


@shared_task(name="fleet.monitoring.judge", soft_time_limit=60, time_limit=90)
def judge() -> None:
    services.judge_due()


@shared_task(name="fleet.monitoring.poll_now", soft_time_limit=90, time_limit=120)
def poll_now(device_ids: list[int]) -> None:
    services.poll_now(device_ids=device_ids)


@shared_task(name="fleet.monitoring.search", soft_time_limit=60, time_limit=90)
def search(search_id: int) -> None:
    services.discovery.tick(search_id=search_id)


@shared_task(name="fleet.monitoring.look_around", soft_time_limit=60, time_limit=90)
def look_around() -> None:
    services.look_around()


@shared_task(name="fleet.monitoring.tend", soft_time_limit=60, time_limit=90)
def tend() -> None:
    services.tend()


@shared_task(name="fleet.monitoring.roll_up", soft_time_limit=270, time_limit=300)
def roll_up() -> None:
    services.roll_up()
