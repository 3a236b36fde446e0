"""Mail that goes out: a row first, then the wire, never inside a transaction."""

import logging
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from fleet.people.models import User
from helpdesk.mail import approvals, threads
from helpdesk.mail.models import OutgoingMail
from helpdesk.mail.rules import given_up, pause
from helpdesk.mail.selectors import openers
from helpdesk.tickets import notices
from helpdesk.tickets.models import Article, Ticket
from helpdesk.tickets.selectors import readable_articles
from helpdesk.tickets.services import rating

log = logging.getLogger(__name__)
BATCH = 50
BATCH_S = 20.0
"""As long as one mail to a server that does not answer takes (EMAIL_TIMEOUT)."""
CLAIM = timedelta(minutes=5)


def queue(*, article: Article, recipient: User | None = None, address: str = "", acknowledges: bool = False) -> OutgoingMail:
    """One mail per article and person, however often it is asked for. `address`: of somebody without an account."""
    fresh = {"message_id": message_id(article, recipient or address), "acknowledges": acknowledges}
    row, _created = OutgoingMail.objects.get_or_create(article=article, recipient=recipient, address=address, defaults=fresh)
    return row


def message_id(article: Article, recipient: User | str) -> str:
    """RFC 5322, 3.6.4: stable for this article and person, and signed, so that an answer to it can be believed."""
    whom = recipient.pk if isinstance(recipient, User) else threads.signature(recipient)[:8]
    return threads.signed(f"{article.ticket.number}.{article.pk}.{whom}")


def thread_id(article: Article) -> str:
    """What all mails of a ticket refer to, so that they stand together in the mailbox."""
    return threads.signed(article.ticket.number)


def send_due() -> int:
    """Send what waits; returns how many went out. Each is claimed first, so two workers never send the same."""
    now = timezone.now()
    waiting = OutgoingMail.objects.filter(state__in=["waiting", "sending"], next_try_at__lte=now)
    due = waiting.order_by("next_try_at").values_list("pk", "next_try_at")[:BATCH]
    ends, sent = time.monotonic() + BATCH_S, 0
    for pk, seen in list(due):
        if time.monotonic() > ends:
            break  # a slow or silent server holds this worker no longer; the next tick goes on
        sent += _claim(pk, seen) and _send(pk)
    return sent


def _claim(pk: int, seen: datetime) -> bool:
    """A claim that was not followed by an end (a killed worker) falls due again by itself."""
    row = OutgoingMail.objects.filter(pk=pk, next_try_at=seen, state__in=["waiting", "sending"])
    return row.update(state=OutgoingMail.State.SENDING, next_try_at=timezone.now() + CLAIM) == 1


def _send(pk: int) -> bool:
    about = ("article__ticket__site", "article__author", "recipient", "approval_link__change__site")
    asked = ("approval_link__change__requested_by", "approval_link__proposal__asked_by")
    mail = OutgoingMail.objects.select_related(*about, *asked).get(pk=pk)
    if not _may_read(mail):
        _give_up(mail, "the recipient may no longer read this, or need not")
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
    article, person = mail.article, mail.recipient
    if article is None:
        return approvals.still_wanted(mail)
    if person is None:
        return not article.internal and mail.address in openers(article.ticket)
    return person.is_active and readable_articles(person).filter(pk=article.pk).exists()


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
    if mail.article is None:
        return approvals.message(mail)
    article, ticket = mail.article, mail.article.ticket
    chain = threads.chain(article)
    with translation.override(mail.recipient.language if mail.recipient else settings.LANGUAGE_CODE):
        return EmailMessage(
            subject=" ".join(f"[{ticket.number}] {ticket.subject}".split()),
            body=_body(mail, article),
            to=[mail.recipient.email if mail.recipient else mail.address],
            reply_to=threads.reply_to(ticket),
            headers={
                "Message-ID": mail.message_id,
                "In-Reply-To": chain[-1],
                "References": " ".join(chain),
                "Auto-Submitted": "auto-replied" if mail.acknowledges else "auto-generated",  # RFC 3834, section 5
                "X-Loop": threads.loop_mark(),
            },
        )


def _body(mail: OutgoingMail, article: Article) -> str:
    """The article, or that it has arrived: an acknowledgement repeats nothing, so it carries nobody's words anywhere."""
    greeting = _("Hello %(name)s,") % {"name": mail.recipient.name} if mail.recipient else _("Hello,")
    address = settings.BASE_URL.rstrip("/") + reverse("tickets:ticket", args=[article.ticket.number])
    where = _("You find the ticket here: %(url)s") % {"url": address} if mail.recipient else ""
    if mail.acknowledges:
        arrived = _("Your message has arrived. Its number is %(number)s.") % {"number": article.ticket.number}
        answer = _("If you want to add something, answer this mail.")
        return "\n\n".join(part for part in (greeting, arrived, answer, where) if part) + "\n"
    notice = notices.of(article)
    said = [f"{article.author}:" if article.author else "", notice.sentence if notice else "", *_evidence(notice)]
    secret = article.internal and bool(article.body)
    written = _("There is an internal note for you. You read it in the ticket.") if secret else article.body
    return "\n\n".join(part for part in (greeting, *said, written, where, _question(article, mail.recipient)) if part) + "\n"


def _question(article: Article, recipient: User | None) -> str:
    """Whoever asked is asked how it went."""
    ticket = article.ticket
    if recipient is None or ticket.state != Ticket.State.RESOLVED or ticket.requester_id != recipient.pk:
        return ""
    return _("How did it go? One click is enough: %(url)s") % {"url": rating.link(ticket)}


def _evidence(notice: notices.Notice | None) -> list[str]:
    rows = notice.evidence if notice else []
    words = _("%(label)s, %(device)s: before %(before)s, afterwards %(after)s")
    return [words % {name: row.get(name) or "–" for name in ("label", "device", "before", "after")} for row in rows]
