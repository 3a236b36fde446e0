from celery import shared_task

from helpdesk.privacy.services import erasing, exporting, keeping


@shared_task(name="helpdesk.privacy.work", time_limit=600)
def work() -> None:
    exporting.work()
    erasing.work()


@shared_task(name="helpdesk.privacy.keep", time_limit=600)
def keep() -> None:
    keeping.work()
