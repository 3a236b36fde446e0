"""What the page of a ticket shows of knowledge."""

from typing import Any

from fleet.people.models import User
from fleet.people.rules import Action
from helpdesk.knowledge import selectors
from helpdesk.knowledge.models import Article
from helpdesk.tickets.models import Ticket
from helpdesk.tickets.rules import FINISHED


def of_ticket(user: User, pk: int) -> dict[str, Any] | None:
    """Articles that are like the ticket; once it is resolved, the way to an article made of it."""
    ticket = Ticket.objects.allowing(user, Action.WORK_TICKETS).filter(pk=pk).first()
    if ticket is None:
        return None
    first = ticket.articles.filter(internal=False).exclude(body="").first()
    text = f"{ticket.subject} {first.body if first else ''}"
    made = Article.objects.visible_to(user).filter(ticket=pk).first()
    return {
        "ticket": ticket,
        "articles": selectors.suggested(user, text, ticket.authority_id),
        "made": made,
        "may_draft": made is None and ticket.state in FINISHED,
    }
