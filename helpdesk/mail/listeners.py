"""Whoever watches a ticket, is called by name in it, or has to know of its deadline hears of it too."""

from fleet.events.models import Event
from helpdesk.mail import services
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Article

NAME = "mail.listeners"
EVENTS = {"ticket.article-added"}


def consume(event: Event) -> None:
    article = Article.objects.select_related("ticket").filter(pk=event.payload.get("article_id")).first()
    if article is not None:
        for user in tickets.listeners(article, event.payload.get("tells", [])):
            services.queue(article=article, recipient=user)
