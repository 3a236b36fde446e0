"""What mail says to Prometheus about itself."""

from collections.abc import Iterator

from django.db.models import Count
from prometheus_client.core import Metric

from fleet.web.exposition import gauge
from helpdesk.mail.models import OutgoingMail

UNSENT = (OutgoingMail.State.WAITING, OutgoingMail.State.SENDING, OutgoingMail.State.FAILED)


def ourselves() -> Iterator[Metric]:
    """One query."""
    rows = OutgoingMail.objects.filter(state__in=UNSENT).order_by().values_list("state").annotate(Count("pk"))
    states = dict.fromkeys(map(str, UNSENT), 0) | dict(rows)
    yield gauge("fleetdesk_mails", "Mails that have not gone out.", ["state"], [([one], n) for one, n in states.items()])
