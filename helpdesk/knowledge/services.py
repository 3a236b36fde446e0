"""Everything that writes articles."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from fleet.people.models import User
from helpdesk.knowledge.models import Article, Helped, Version
from helpdesk.knowledge.rules import drafted
from helpdesk.tickets.models import Ticket

MOST_CHARACTERS = 20_000


class StaleError(ValueError):
    """The article was changed since it was looked at; nothing was written."""


@dataclass(frozen=True)
class Words:
    title_de: str
    body_de: str = ""
    title_en: str = ""
    body_en: str = ""
    tags: list[str] = field(default_factory=list)


def write(*, authority_id: int, words: Words, visibility: str, author: User, ticket: Ticket | None = None) -> Article:
    """A new draft and its first version."""
    with transaction.atomic():
        article = Article.objects.create(
            authority_id=authority_id, author=author, visibility=visibility, ticket=ticket, **asdict(words)
        )
        _keep(article, words, author)
    return article


def rewrite(*, article: Article, words: Words, visibility: str, author: User, seen_version: int) -> Article:
    """The next version of the one that was seen. Raises StaleError when it is another one now."""
    with transaction.atomic():
        seen = Article.objects.filter(pk=article.pk, version=seen_version)
        changed = {**asdict(words), "visibility": visibility, "updated_at": timezone.now()}
        if seen.update(**changed, version=F("version") + 1) != 1:
            raise StaleError(article.pk)
        article.refresh_from_db()
        _keep(article, words, author)
    return article


def _keep(article: Article, words: Words, author: User) -> None:
    Version.objects.create(article=article, number=article.version, author=author, **asdict(words))


def publish(*, article: Article) -> None:
    Article.objects.filter(pk=article.pk, published_at__isnull=True).update(published_at=timezone.now())


def withdraw(*, article: Article) -> None:
    """Makes a draft of it again."""
    Article.objects.filter(pk=article.pk).update(published_at=None)


def draft_from(*, ticket: Ticket, author: User) -> Article:
    """A draft made of what the school wrote and what was answered last; one per ticket. Internal notes stay out of it."""
    made = Article.objects.filter(ticket=ticket)
    if known := made.first():
        return known
    try:
        return _draft(ticket, author)
    except IntegrityError:  # somebody else made it this moment
        if known := made.first():
            return known
        raise


def _draft(ticket: Ticket, author: User) -> Article:
    said = ticket.articles.filter(internal=False).exclude(body="")
    problem = said.filter(author=ticket.requester_id).first() or said.first()
    solution = said.exclude(author=ticket.requester_id).last()
    told = drafted(
        problem.body if problem else "",
        solution.body if solution and solution != problem else "",
        (_("What was wrong"), _("What helped")),
    )
    words = Words(title_de=ticket.subject, body_de=told[:MOST_CHARACTERS])
    internal = Article.Visibility.INTERNAL
    return write(authority_id=ticket.authority_id, words=words, visibility=internal, author=author, ticket=ticket)


Closing = Callable[[User, str], None]
_closings: dict[str, Closing] = {}


def when_helped(name: str, closing: Closing) -> None:
    """An upper room's act when an article helped: `closing(person, draft)` ends the report that was being typed.

    `draft` is what the page with the report sent along as `draft` or `token`, "" where there was none.
    """
    _closings[name] = closing


def helped(*, article: Article, person: User, draft: str = "") -> None:
    """Counts once for each person, and ends the draft that is no longer needed."""
    with transaction.atomic():
        Helped.objects.get_or_create(article=article, person=person)
        for closing in _closings.values():
            closing(person, draft)
