"""Mail that goes out: a row first, then the wire, never inside a transaction."""

import logging
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from fleet.people.models import User
from helpdesk.mail.models import OutgoingMail
from helpdesk.mail.rules import given_up, pause
from helpdesk.tickets import notices
from helpdesk.tickets.models import Article, Ticket

log = logging.getLogger(__name__)
BATCH = 50
CLAIM = timedelta(minutes=5)


def queue(*, article: Article, recipient: User) -> OutgoingMail:
    """One mail per article and person, however often it is asked for."""
    row, _created = OutgoingMail.objects.get_or_create(
        article=article, recipient=recipient, defaults={"message_id": message_id(article, recipient)}
    )
    return row


def message_id(article: Article, recipient: User) -> str:
    """RFC 5322, 3.6.4: stable for this article and person, and signed, so that an answer to it can be believed."""
    subject = f"{article.ticket.number}.{article.pk}.{recipient.pk}"
    return f"<{subject}.{_signature(subject)}@{_domain()}>"


def thread_id(article: Article) -> str:
    """What all mails of a ticket refer to, so that they stand together in the mailbox."""
    return f"<{article.ticket.number}.{_signature(article.ticket.number)}@{_domain()}>"


def _signature(text: str) -> str:
    return salted_hmac("helpdesk.mail.message-id", text, algorithm="sha256").hexdigest()[:20]


def _domain() -> str:
    return urlsplit(settings.BASE_URL).hostname or "localhost"


def send_due() -> int:
    """Send what waits; returns how many went out. Each is claimed first, so two workers never send the same."""
    now = timezone.now()
    waiting = OutgoingMail.objects.filter(state__in=["waiting", "sending"], next_try_at__lte=now)
    due = waiting.order_by("next_try_at").values_list("pk", "next_try_at")[:BATCH]
    return sum(_send(pk) for pk, seen in list(due) if _claim(pk, seen))


def _claim(pk: int, seen: datetime) -> bool:
    """A claim that was not followed by an end (a killed worker) falls due again by itself."""
    row = OutgoingMail.objects.filter(pk=pk, next_try_at=seen, state__in=["waiting", "sending"])
    return row.update(state=OutgoingMail.State.SENDING, next_try_at=timezone.now() + CLAIM) == 1


def _send(pk: int) -> bool:
    mail = OutgoingMail.objects.select_related("article__ticket__site", "article__author", "recipient").get(pk=pk)
    if not _may_read(mail):
        _give_up(mail, "the recipient may no longer read this ticket")
        return False
    try:
        message(mail).send()
    except Exception as error:  # a mail that cannot be made must not hold the next one
        _postpone(mail, error)
        return False
    OutgoingMail.objects.filter(pk=pk).update(state=OutgoingMail.State.SENT, sent_at=timezone.now(), error="")
    return True


def _may_read(mail: OutgoingMail) -> bool:
    """Whoever has left, or has no role at that school any more, is told nothing of it."""
    ticket = mail.article.ticket
    return mail.recipient.is_active and Ticket.objects.visible_to(mail.recipient).filter(pk=ticket.pk).exists()


def _give_up(mail: OutgoingMail, why: str) -> None:
    log.info("mail not sent", extra={"mail_id": mail.pk, "why": why})
    OutgoingMail.objects.filter(pk=mail.pk).update(state=OutgoingMail.State.FAILED, error=why)


def _postpone(mail: OutgoingMail, error: Exception) -> None:
    attempts = mail.attempts + 1
    log.warning("mail not sent", extra={"mail_id": mail.pk, "attempts": attempts}, exc_info=not isinstance(error, OSError))
    OutgoingMail.objects.filter(pk=mail.pk).update(
        state=OutgoingMail.State.FAILED if given_up(attempts) else OutgoingMail.State.WAITING,
        attempts=attempts,
        error=str(error)[:1000],
        next_try_at=timezone.now() + pause(attempts),
    )


def message(mail: OutgoingMail) -> EmailMessage:
    """In the recipient's language: what was said, what was measured, and where the ticket is."""
    article, ticket = mail.article, mail.article.ticket
    with translation.override(mail.recipient.language):
        return EmailMessage(
            subject=" ".join(f"[{ticket.number}] {ticket.subject}".split()),
            body=_body(article, mail.recipient),
            to=[mail.recipient.email],
            headers={
                "Message-ID": mail.message_id,
                "In-Reply-To": thread_id(article),
                "References": thread_id(article),
                "Auto-Submitted": "auto-generated",  # RFC 3834, section 5
            },
        )


def _body(article: Article, recipient: User) -> str:
    greeting = _("Hello %(name)s,") % {"name": recipient.name}
    address = settings.BASE_URL.rstrip("/") + reverse("tickets:ticket", args=[article.ticket.number])
    where = _("You find the ticket here: %(url)s") % {"url": address}
    notice = notices.of(article)
    said = [f"{article.author}:" if article.author else "", notice.sentence if notice else "", *_evidence(notice)]
    return "\n\n".join(part for part in (greeting, *said, article.body, where) if part) + "\n"


def _evidence(notice: notices.Notice | None) -> list[str]:
    rows = notice.evidence if notice else []
    words = _("%(label)s, %(device)s: before %(before)s, afterwards %(after)s")
    return [words % {name: row.get(name) or "–" for name in ("label", "device", "before", "after")} for row in rows]
