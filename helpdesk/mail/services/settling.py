"""What becomes of one mail that has been read: a ticket, an article, a note, or nothing. In the caller's transaction."""

from __future__ import annotations

from email.utils import parseaddr
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site
from fleet.sites.services import ClosedSiteError
from helpdesk.mail import selectors, threads
from helpdesk.mail.models import IncomingMail, Mailbox
from helpdesk.mail.rules.headers import base_address, topic
from helpdesk.mail.rules.threading import Place, moves_to, place
from helpdesk.mail.services import finding, sending
from helpdesk.mail.services.senders import known, site_of
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Article, Ticket
from helpdesk.tickets.services import attachments, letters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from helpdesk.mail.rules.incoming import File, Incoming
    from helpdesk.mail.services.delivery import Delivery

Outcome = IncomingMail.Outcome


def kept_files(mail: Incoming) -> list[attachments.Kept]:
    """Those that fit, copied before the transaction in which they get rows: it holds nobody while 50 MB are copied.

    What becomes of the mail is not known yet; files that get no row are swept away (`attachments.sweep`).
    """
    return [] if mail.unreadable or _ours(mail) else [_kept(one) for one in attachments.fitting(mail.files)[0]]


def settle(*, row: IncomingMail, delivery: Delivery, files: Sequence[attachments.Kept]) -> None:
    """`files`: by `kept_files`."""
    mail = delivery.mail
    if mail.unreadable:
        _end(row, Outcome.QUARANTINED, mail.unreadable)
    elif reason := _ours(mail):
        _end(row, Outcome.DROPPED, reason)
    else:
        who = known(mail.sender.identity, delivery.authority)
        thread = finding.find(mail, delivery.authority, who)
        _Settling(row, delivery, files, who, thread).go(place(thread.found))


def _ours(mail: Incoming) -> str:
    """Why it is our own mail come back; empty for everybody else's."""
    if threads.loop_mark() in mail.loops or threads.number_of(mail.message_id):
        return "it is our own mail"
    base = base_address(mail.sender.address)[0]
    own = base == parseaddr(settings.DEFAULT_FROM_EMAIL)[1].lower() or Mailbox.objects.filter(address__iexact=base).exists()
    return "it was sent by an address of ours" if own else ""


def _end(row: IncomingMail, outcome: IncomingMail.Outcome, reason: str = "", article: Article | None = None) -> None:
    row.outcome, row.reason = outcome, reason[:1000]
    row.article, row.ticket = article, article.ticket if article else None
    row.save(update_fields=["outcome", "reason", "article", "ticket"])


def _kept(file: File) -> attachments.Kept:
    with Path(file.path).open("rb") as source:
        return attachments.keep(source=source, name=file.name, content_type=file.content_type)


class _Settling:
    """One mail on its way into a ticket. `who`: its sender, when that is somebody with an account."""

    def __init__(
        self,
        row: IncomingMail,
        delivery: Delivery,
        files: Sequence[attachments.Kept],
        who: User | None,
        thread: finding.Thread,
    ) -> None:
        self.row = row
        self.delivery = delivery
        self.files = files
        self.mail = delivery.mail
        self.who = who
        self.ticket, self.school_closed = thread.ticket, thread.found.school_closed

    def go(self, where: Place) -> None:
        match where:
            case Place.NEW:
                self._open()
            case Place.REPLY:
                self._reply()
            case Place.INSIDE:
                self._say(internal=True)
            case Place.NOTE:
                self._add(Outcome.APPENDED, internal=True, author=None, reason="its sender does not belong to the ticket")
            case Place.FOLLOW_UP:
                self._follow_up()
            case Place.ASIDE:
                self._add(Outcome.STORED, internal=True, author=self.who, reason=f"automatic: {self.mail.automatic}")
            case Place.NOWHERE:
                _end(self.row, Outcome.STORED, f"automatic: {self.mail.automatic}")

    def _open(self) -> None:
        site = self._site()
        if site is None and self.who is not None:  # somebody who may look but not ask: as if without an account
            self.who = None
            site = self._site()
        if self._floods():
            return
        if site is None:
            _end(self.row, Outcome.QUARANTINED, "there is no school to which it could belong")
        else:
            self._open_at(site)

    def _floods(self) -> bool:
        """Somebody without an account; what a person has released is taken in all the same."""
        if self.who is not None or self.delivery.released:
            return False
        now = timezone.now()
        if selectors.floods(self.mail.sender.address, now):
            reason = "its sender has opened too many tickets within an hour"
        elif selectors.strangers_flood(self.delivery.authority, now):
            reason = "too many people without an account have opened tickets within an hour"
        else:
            return False
        _end(self.row, Outcome.QUARANTINED, reason)
        return True

    def _open_at(self, site: Site) -> None:
        with translation.override(settings.LANGUAGE_CODE):
            subject = topic(self.mail.subject) or _("Mail without a subject")
        opening = tickets.Opening(
            site=site, subject=subject, body=self.mail.text, channel=Article.Channel.MAIL, requester=self.who
        )
        try:
            ticket = tickets.open_ticket(opening=opening)
        except ClosedSiteError:  # this moment: where does it belong now?
            self._open()
        else:
            self._begin(ticket)

    def _begin(self, ticket: Ticket) -> None:
        article = ticket.articles.get()
        self._complete(article, Outcome.NEW, verified=self.who is not None)
        self._acknowledge(article)

    def _site(self) -> Site | None:
        return site_of(self.who, self.delivery.mailbox, self.delivery.authority, self.mail.recipients)

    def _follow_up(self) -> None:
        if not self._floods():
            said = tickets.Again(self.who, self.mail.text, subject=topic(self.mail.subject), channel=Article.Channel.MAIL)
            self._begin(tickets.follow_up(ticket=self._there(), said=said))

    def _there(self) -> Ticket:
        if self.ticket is None:
            raise LookupError("this place needs a ticket")
        return self.ticket

    def _reply(self) -> None:
        ticket = self._there()
        works = self.who is not None and self.who.access.may(Action.WORK_TICKETS, ticket.authority_id, ticket.site_id)
        requester = self.who is None or ticket.requester_id == self.who.pk
        if not self._say(internal=False):
            return
        to = None if self.school_closed else moves_to(ticket.state, works=works, requester=requester)
        if to:
            tickets.transition(ticket=ticket, to=to, actor=self.who)

    def _say(self, *, internal: bool) -> bool:
        """False: it is kept, and nobody is told."""
        if selectors.answers_without_end(self._there(), self.mail.sender.address, timezone.now()):
            reason = f"its sender has answered more than {selectors.MOST_ANSWERS} times within an hour"
            self._add(Outcome.STORED, internal=True, author=self.who, reason=reason)
            return False
        self._add(Outcome.APPENDED, internal=internal, author=self.who)
        return True

    def _add(self, outcome: IncomingMail.Outcome, *, internal: bool, author: User | None, reason: str = "") -> None:
        said = tickets.Contribution(author=author, body=self.mail.text, channel=Article.Channel.MAIL, internal=internal)
        article = tickets.add_article(ticket=self._there(), contribution=said)
        self._complete(article, outcome, verified=author is not None, reason=reason)

    def _complete(self, article: Article, outcome: IncomingMail.Outcome, *, verified: bool, reason: str = "") -> None:
        """What only a mail has: who sent it, what it answers and repeats, its files."""
        key = self.row.key
        letter = letters.Letter(
            sender="" if verified else str(self.mail.sender)[:300],
            verified=verified,
            message_id=None if Article.objects.filter(message_id=key).exists() else key,
            in_reply_to=self.mail.in_reply_to[:300],
            quoted=self.mail.quoted,
            html=self.mail.html,
        )
        letters.add_letter(article=article, letter=letter)
        attachments.attach(article=article, files=self.files)
        _end(self.row, outcome, reason, article)
        left = attachments.fitting(self.mail.files)[1]
        if left or self.mail.beyond:
            names = ", ".join(one.name for one in left)[:500]
            names += f" (+{self.mail.beyond})" if self.mail.beyond else ""
            said = tickets.Contribution(
                channel=Article.Channel.SYSTEM,
                internal=article.internal,
                notice="mail-files-left-out",
                details={"names": names},
            )
            tickets.add_article(ticket=article.ticket, contribution=said)

    def _acknowledge(self, article: Article) -> None:
        """Never to a program, and to nobody without end."""
        address = self.mail.sender.address
        if self.mail.quiet or not selectors.may_acknowledge(address, timezone.now()):
            return
        if self.who is not None:
            sending.queue(article=article, recipient=self.who, acknowledges=True)
        else:
            sending.queue(article=article, address=address, acknowledges=True)
