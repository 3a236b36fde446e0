"""What Celery may ask for. None of it has a time limit of Celery's: workers are threads, and a thread cannot be ended.

Each ends by itself: a playbook by its own time, which ansible-runner keeps in a process of its own; measuring by the
deadlines of `fleet.monitoring`; and tending asks no device for anything.
"""

from celery import shared_task

from fleet.automation import services
from fleet.automation.services import backups, checking, credentials, drift, keeping, sources, tending


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


@shared_task(name="fleet.automation.keep_backups")
def keep_backups() -> None:
    backups.keep()


@shared_task(name="fleet.automation.fetch_backups")
def fetch_backups(device_ids: list[int]) -> None:
    backups.fetch(device_ids)


@shared_task(name="fleet.automation.check_intent")
def check_intent() -> None:
    """At night: each playbook keeps its own time limit, and a site whose worker died is checked anew."""
    checking.check_due()


@shared_task(name="fleet.automation.tidy_intent")
def tidy_intent() -> None:
    """Safe to repeat at any time: superfluous backups go, everything is compared with what it should be."""
    backups.prune()
    drift.compare_all()


@shared_task(name="fleet.automation.fetch_source")
def fetch_source(source_id: int) -> None:
    """git keeps the time limit itself (`catalogue.git.FETCH_S`)."""
    sources.fetch(source_id=source_id)


@shared_task(name="fleet.automation.tidy")
def tidy() -> None:
    """What is kept for so many days only, and what nobody needs any more."""
    keeping.forget_old_logs()
    sources.sweep()


@shared_task(name="fleet.automation.settle_rotations")
def settle_rotations() -> None:
    """Each login has its own time limit (`services.credentials.LOGIN_S`)."""
    credentials.settle_all()
