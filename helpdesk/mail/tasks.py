from celery import shared_task

from helpdesk.mail import imap, services
from helpdesk.mail.services import keeping


@shared_task(name="helpdesk.mail.send_due", time_limit=240)
def send_due() -> None:
    services.send_due()


@shared_task(name="helpdesk.mail.sweep", time_limit=600)
def sweep() -> None:
    keeping.sweep()


@shared_task(name="helpdesk.mail.poll_due", time_limit=30)
def poll_due() -> None:
    for mailbox_id in imap.due():
        poll.apply_async((mailbox_id,), expires=20)


@shared_task(name="helpdesk.mail.poll", time_limit=180)
def poll(mailbox_id: int) -> None:
    imap.poll(mailbox_id)
