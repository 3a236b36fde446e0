"""The requester is told what is new in their ticket."""

from fleet.events.models import Event
from helpdesk.mail import services
from helpdesk.mail.rules import Said, worth_a_mail
from helpdesk.tickets.models import Article
from helpdesk.tickets.notices import is_told

NAME = "mail.articles"
EVENTS = {"ticket.article-added"}


def consume(event: Event) -> None:
    rows = Article.objects.select_related("ticket__requester")
    article = rows.filter(pk=event.payload.get("article_id")).first()
    if article is None or article.ticket.requester is None:
        return
    said = Said(
        internal=article.internal,
        author_id=article.author_id,
        written=bool(article.body),
        notice=bool(article.notice),
        told=is_told(article.notice),
    )
    if worth_a_mail(said, article.ticket.requester.pk):
        services.queue(article=article, recipient=article.ticket.requester)
