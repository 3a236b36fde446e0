"""Queues that Fleetdesk itself needs."""

from fleet.sites.models import Authority
from helpdesk.tickets.models import Queue

SECURITY = "security"


def of_security(*, authority: Authority) -> Queue:
    """Where reports go that only security people read; made when the first one comes."""
    values = {"name_de": "Sicherheitsvorfälle", "name_en": "Security incidents", "restricted": True}
    queue, _created = Queue.objects.get_or_create(authority=authority, slug=SECURITY, defaults=values)
    return queue
