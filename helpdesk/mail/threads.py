"""How mails of a ticket find together: Message-IDs that only this installation can make, and those that came in."""

from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Case, When
from django.utils.crypto import constant_time_compare, salted_hmac

from helpdesk.mail.models import IncomingMail, Mailbox
from helpdesk.tickets.models import Article, Ticket

MOST = 20
STAND_IN = ".invalid>"
"""RFC 2606: the domain of identifiers that stand in for a missing or endless one. They never go out."""


def signed(subject: str) -> str:
    return f"<{subject}.{signature(subject)}@{domain()}>"


def signature(text: str) -> str:
    return salted_hmac("helpdesk.mail.message-id", text, algorithm="sha256").hexdigest()[:20]


def domain() -> str:
    return urlsplit(settings.BASE_URL).hostname or "localhost"


def number_of(message_id: str) -> str:
    """The ticket's number out of one of our own Message-IDs; empty for everybody else's, and for forged ones."""
    return _subject_of(message_id).partition(".")[0]


def article_of(message_id: str) -> int:
    """The pk of the article that one of our own mails was about; 0 where that is no article's, or not ours."""
    _number, _, rest = _subject_of(message_id).partition(".")
    pk = rest.partition(".")[0]
    return int(pk) if pk.isascii() and pk.isdecimal() else 0


def _subject_of(message_id: str) -> str:
    """What `signed` was given; empty for what it has not made."""
    subject, _, signed_with = message_id.strip("<>").partition("@")[0].rpartition(".")
    believable = bool(subject) and constant_time_compare(signature(subject), signed_with)
    return subject if believable else ""


def loop_mark() -> str:
    """X-Loop of what goes out: whatever comes back with it is our own."""
    return f"fleetdesk.{signature('loop')}@{domain()}"


def chain(article: Article) -> list[str]:
    """References of a mail about this article: the ticket's own, then what came in by mail and is no secret."""
    rows = Article.objects.filter(ticket=article.ticket_id, internal=False, pk__lte=article.pk, message_id__isnull=False)
    came_in = [str(one) for one in rows.order_by("-pk").values_list("message_id", flat=True)[:MOST]]
    return [signed(article.ticket.number), *(one for one in reversed(came_in) if not one.endswith(STAND_IN))]


def reply_to(ticket: Ticket) -> list[str]:
    """The address to which the ticket was written; of one that did not come by mail, the school's or the authority's."""
    boxes = Mailbox.objects.filter(authority=ticket.authority_id, active=True)
    came_in = IncomingMail.objects.filter(article__ticket=ticket, mailbox__in=boxes).order_by("pk")
    known = came_in.values_list("mailbox__address", flat=True).first()
    ours = boxes.order_by(Case(When(site=ticket.site_id, then=0), default=1), "pk").values_list("address", flat=True)
    address = known or ours.first()
    return [address] if address else []
