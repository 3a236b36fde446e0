"""Whoever looks after a ticket, watches it, is called by name in it, or has to know of its deadline hears of it too."""

from django.utils import timezone

from fleet.events.models import Event
from helpdesk.mail import services
from helpdesk.mail.models import IncomingMail
from helpdesk.mail.selectors import HANDED_OVER, handed_enough
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Article

NAME = "mail.listeners"
EVENTS = {"ticket.article-added"}


def consume(event: Event) -> None:
    article = Article.objects.select_related("ticket").filter(pk=event.payload.get("article_id")).first()
    if article is not None and not _kept_aside(article):
        for user in tickets.listeners(article, event.payload.get("tells", [])):
            if article.notice != HANDED_OVER or not handed_enough(user, timezone.now()):
                services.queue(article=article, recipient=user)


def _kept_aside(article: Article) -> bool:
    """A note made of a mail is by a stranger or a program: to tell of it would be answered by the next program. Only what
    somebody answers to a note, who may read those, is said to the others."""
    if not article.internal or article.channel != Article.Channel.MAIL:
        return False
    return not (article.verified and article.mails_in.filter(outcome=IncomingMail.Outcome.APPENDED).exists())
