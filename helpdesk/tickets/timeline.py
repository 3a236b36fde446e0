"""A ticket's articles, notices and changes of state on one line of time, as one reader may see them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from fleet.people.models import User
from fleet.people.rules import Action
from helpdesk.tickets import notices, selectors
from helpdesk.tickets.models import Article, Attachment, Ticket, Transition
from helpdesk.tickets.notices import Link, Notice
from helpdesk.tickets.rules import FINISHED
from helpdesk.tickets.words import PILLS

TOGETHER = timedelta(seconds=5)
"""A change of state by the same actor so close to an article is part of it."""
ICONS = {"ok": "check", "down": "exclamation-triangle", "watch": "clock", "unknown": "question-mark-circle"}


@dataclass(frozen=True)
class Entry:
    at: datetime
    who: str
    by_id: int | None
    state: str = "unknown"
    icon: str = "chat-bubble-left"
    internal: bool = False
    text: str = ""
    notice: Notice | None = None
    link: Link | None = None
    moved: tuple[str, str] | None = None
    """(pill, word) of the state to which this led."""
    finishes: bool = False
    verified: bool = True
    quoted: str = ""
    formatted_id: int | None = None
    """The article whose formatted text can be looked at."""
    files: tuple[Attachment, ...] = ()

    @property
    def quiet(self) -> bool:
        return self.moved is not None and self.notice is None and not self.text and not self.files


def of(ticket: Ticket, reader: User) -> list[Entry]:
    """Internal notes only for those who may see them. Three queries."""
    access = reader.access
    articles = ticket.articles.select_related("author").prefetch_related("attachments")
    if not access.may(Action.VIEW_INTERNAL_NOTES, ticket.authority_id, ticket.site_id):
        articles = articles.filter(internal=False)
    said = [_said(article, ticket, reader) for article in selectors.as_read_by(reader, articles)]
    moved = [_moved(step) for step in ticket.transitions.select_related("actor")]
    return list(_merged(sorted([*said, *moved], key=lambda entry: entry.at)))


def news(ticket: Ticket, reader: User, since: datetime) -> list[Entry]:
    """What other people wrote or moved after `since`.

    What Fleetdesk notes by itself is no reason to stop anybody, but for the end: an answer to it must not go unseen.
    """
    return [entry for entry in of(ticket, reader) if entry.at > since and _matters(entry, reader)]


def _matters(entry: Entry, reader: User) -> bool:
    return entry.finishes if entry.by_id is None else entry.by_id != reader.pk


def _said(article: Article, ticket: Ticket, reader: User) -> Entry:
    notice = notices.of(article)
    state = notice.state if notice else "unknown"
    link = notice.link if notice else None
    if link and not reader.access.may(link.action, ticket.authority_id, ticket.site_id):
        link = None
    return Entry(
        at=article.created_at,
        who=str(article.author or article.sender or "Fleetdesk"),
        by_id=article.author_id,
        state=state,
        icon="chat-bubble-left" if article.author_id or article.sender else ICONS.get(state, "information-circle"),
        internal=article.internal,
        text=article.body,
        notice=notice,
        link=link,
        verified=article.verified,
        quoted=article.quoted,
        formatted_id=article.pk if article.html else None,
        files=tuple(article.attachments.all()),
    )


def _moved(step: Transition) -> Entry:
    word = str(Ticket.State(step.new).label)
    return Entry(
        at=step.at,
        who=str(step.actor or "Fleetdesk"),
        by_id=step.actor_id,
        state=PILLS[step.new],
        icon="arrow-right",
        moved=(PILLS[step.new], word),
        finishes=step.new in FINISHED,
    )


def _merged(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Changes of state folded into what the same actor said just before or just after."""
    held: Entry | None = None
    for entry in entries:
        if held is not None and _belong(held, entry):
            held = replace(
                entry if held.quiet else held, moved=entry.moved or held.moved, finishes=entry.finishes or held.finishes
            )
            continue
        if held is not None:
            yield held
        held = entry
    if held is not None:
        yield held


def _belong(first: Entry, second: Entry) -> bool:
    same = first.by_id == second.by_id and second.at - first.at <= TOGETHER
    return same and first.quiet != second.quiet


def summary(entry: Entry) -> str:
    """One line, for where the whole entry would be too much."""
    if entry.text:
        return entry.text
    if entry.notice:
        return entry.notice.sentence
    return _("State: %(word)s") % {"word": entry.moved[1]} if entry.moved else ""
