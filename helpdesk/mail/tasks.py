from celery import shared_task

from helpdesk.mail import services


@shared_task(name="helpdesk.mail.send_due", time_limit=240)
def send_due() -> None:
    services.send_due()
