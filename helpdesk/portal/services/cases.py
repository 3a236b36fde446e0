"""Saying "me too": a note where the person's school has a ticket of it, a case of its own where the cause lies elsewhere."""

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from fleet.people.models import User
from fleet.sites.models import Site
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Ticket
from helpdesk.tickets.services.opening import key_after_all

NOTICE = "me-too"


def hit_too(*, ticket: Ticket, by: User) -> Ticket:
    """Noted in the ticket that is there; said twice by one person, it stands there once."""
    if not ticket.articles.filter(notice=NOTICE, author=by).exists():
        said = tickets.Contribution(author=by, notice=NOTICE)
        tickets.add_article(ticket=ticket, contribution=said, idempotency_key=f"{NOTICE}:{ticket.pk}")
    return ticket


def hit_from_elsewhere(*, incident: Ticket, site: Site, by: User) -> Ticket:
    """The case of `incident` at this school, one for everybody there who says so. Raises RelationError when that is over."""
    here = Ticket.objects.filter(parent=incident, site=site, articles__notice=NOTICE)
    if known := here.open().first():
        return hit_too(ticket=known, by=by)
    with translation.override(settings.LANGUAGE_CODE):
        subject = _("Larger disturbance")
    key = key_after_all(by, f"{NOTICE}:{incident.pk}:{site.pk}")
    with transaction.atomic():
        case = tickets.open_ticket(
            opening=tickets.Opening(site=site, subject=subject, requester=by, notice=NOTICE, idempotency_key=key)
        )
        tickets.set_parent(ticket=case, parent=incident, by=None)
    return case
