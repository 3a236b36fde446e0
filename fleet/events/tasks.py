from celery import shared_task

from fleet.events import services, webhooks


@shared_task(name="fleet.events.deliver", time_limit=120)
def deliver(names: list[str] | None = None) -> None:
    """`names`: what was told a moment ago, by whoever told it."""
    services.deliver(names=names)


@shared_task(name="fleet.events.send_webhooks", time_limit=120)
def send_webhooks() -> None:
    webhooks.send_due()
