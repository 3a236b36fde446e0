"""Words in tickets, newest first, at a cost that does not grow with all the tickets there are.

The newest NEWEST are looked through first: a common word has enough hits there, words that are less common together have
them among the newest NEWER. What is rarer has few in all of them; only words that are common each and rare together make
much work, and that is ended after LONGEST_MS.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import OperationalError, connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone
from psycopg.errors import QueryCanceled

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.web import fulltext
from helpdesk.finding.indexes import STEMS
from helpdesk.tickets.models import Ticket
from helpdesk.tickets.rules import number

NEWEST, NEWER = 2_000, 16_000
FEW = 1_000
"""Hits that are named one by one: a database would guess that there are many more, and read every ticket."""
LONGEST_MS = 1_500
YEARS = 5
Row = TypeVar("Row")


@dataclass(frozen=True)
class Found(Generic[Row]):
    rows: list[Row]
    cut: bool = False
    """Not all was looked through: it would have taken too long."""


class TooLongError(Exception):
    """The database was told to stop."""


def find_tickets(user: User, words: Sequence[str], most: int) -> Found[Ticket]:
    """Internal notes are looked through only where this person may see them. At most four queries about tickets."""
    last = Ticket.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    newest = list(_holding(user, words, max(0, last - NEWEST))[:most])
    if last <= NEWEST or len(newest) == most:
        return Found(newest)
    try:
        return Found(_in_time(lambda: _of_all(user, words, most, last)))
    except TooLongError:
        return Found(newest, cut=True)


def _of_all(user: User, words: Sequence[str], most: int, last: int) -> list[Ticket]:
    if last > NEWER:
        newer = list(_holding(user, words, last - NEWER)[:most])
        if len(newer) == most:
            return newer
    rows = _holding(user, words, 0)
    if fulltext.has_stems() and (few := _few(user, words)) is not None:
        rows = rows.filter(pk__in=few)
    return list(rows[:most])


def _few(user: User, words: Sequence[str]) -> list[int] | None:
    """All tickets that hold every word, if they are FEW; more than this person sees among them."""
    internal = bool(user.access.scopes(Action.VIEW_INTERNAL_NOTES))
    parts = [_with(word, 0, internal=internal) for word in words]
    found = " INTERSECT ".join(f"({part.sql})" for part in parts)
    with connection.cursor() as cursor:
        cursor.execute(f"{found} LIMIT {FEW + 1}", [value for part in parts for value in part.params])
        ids = [row[0] for row in cursor.fetchall()]
    return ids if len(ids) <= FEW else None


def _in_time(look: Callable[[], list[Ticket]]) -> list[Ticket]:
    """Raises TooLongError, where the database can be told how long it may take."""
    if connection.vendor != "postgresql":
        return look()
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {LONGEST_MS}")
            found = look()
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT")  # there may be a transaction around this one
            return found
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TooLongError from error
        raise


def _holding(user: User, words: Sequence[str], after: int) -> QuerySet[Ticket]:
    """Those of a higher primary key that hold every word."""
    rows = Ticket.objects.visible_to(user).filter(pk__gt=after)
    for word in words:
        rows = rows.filter(_told(user, word, after))
    return rows.select_related("site").order_by("-created_at", "-pk")


def _told(user: User, word: str, after: int) -> Q:
    staff = user.access.scopes(Action.VIEW_INTERNAL_NOTES)
    if not staff:
        return Q(pk__in=_with(word, after, internal=False))
    everything = Q(pk__in=_with(word, after, internal=True))
    if staff == user.access.scopes(Action.VIEW_SITE):
        return everything
    inside = Q(authority_id__in=staff) | Q(site_id__in=staff)
    return Q(pk__in=_with(word, after, internal=False)) | everything & inside


def _with(word: str, after: int, *, internal: bool) -> RawSQL:
    """Tickets that hold the word in their number, their subject or in what was said: each by its own index."""
    public = "" if internal else "AND NOT internal"
    named = numbers(word, timezone.localdate().year)
    if fulltext.has_stems():
        query, asked = "phraseto_tsquery('german'::regconfig, %s)", word
        subject = f"SELECT id FROM tickets_ticket WHERE {STEMS} @@ {query} AND id > %s"  # noqa: S608  (no value in it)
        said = f"SELECT ticket_id FROM tickets_article WHERE {STEMS} @@ {query} AND ticket_id > %s {public}"  # noqa: S608
    else:
        asked = match(word)
        subject = "SELECT rowid FROM finding_subjects WHERE finding_subjects MATCH %s AND rowid > %s"
        bodies = "SELECT rowid FROM finding_bodies WHERE finding_bodies MATCH %s"
        said = f"SELECT ticket_id FROM tickets_article WHERE id IN ({bodies}) AND ticket_id > %s {public}"  # noqa: S608
    places = ", ".join(["%s"] * len(named))
    numbered = f"SELECT id FROM tickets_ticket WHERE number IN ({places})"  # noqa: S608
    values = [asked, after, asked, after, *named]
    return RawSQL(f"{subject} UNION {said} UNION {numbered}", values)  # noqa: S611  (values are parameters)


def match(word: str) -> str:
    """FTS5's way to say: these words one after the other, the last one may go on. Quoted, so that no sign means anything."""
    return '"' + word.replace('"', '""') + '" *'


def numbers(word: str, year: int) -> list[str]:
    """`123` -> F2026-000123 and those of the years before; `f2026-000123` as it is."""
    if word.isascii() and word.isdecimal() and len(word) <= len("000000"):
        return [number(one, int(word)) for one in range(year - YEARS, year + 1)]
    return [word.upper()[:20]]
