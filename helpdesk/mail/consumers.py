"""Whoever asked is told what is new in their ticket."""

from fleet.events.models import Event
from helpdesk.mail import services
from helpdesk.mail.rules import Said, worth_a_mail
from helpdesk.mail.selectors import openers
from helpdesk.tickets.models import Article
from helpdesk.tickets.notices import is_told

NAME = "mail.articles"
EVENTS = {"ticket.article-added"}


def consume(event: Event) -> None:
    rows = Article.objects.select_related("ticket__requester")
    article = rows.filter(pk=event.payload.get("article_id")).first()
    if article is None:
        return
    said = Said(
        internal=article.internal,
        author_id=article.author_id,
        written=bool(article.body),
        notice=bool(article.notice),
        told=is_told(article.notice),
    )
    requester = article.ticket.requester
    if requester is not None and worth_a_mail(said, requester.pk):
        services.queue(article=article, recipient=requester)
    if article.verified and worth_a_mail(said, 0):
        for address in openers(article.ticket):
            services.queue(article=article, address=address)
