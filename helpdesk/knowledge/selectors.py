"""What is read of articles, each in a fixed number of queries."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Cast

from fleet.people.models import User
from fleet.web import fulltext
from helpdesk.knowledge.models import Article

COLUMNS = ("title_de", "body_de", "title_en", "body_en")
FEW = 5


def matching(rows: QuerySet[Article], text: str) -> QuerySet[Article]:
    """Those that hold every word somewhere."""
    for word in fulltext.words(text):
        held = fulltext.holding(Article.objects.order_by(), word, *COLUMNS).values("pk")
        rows = rows.filter(Q(pk__in=held) | fulltext.contains(word, "title_de", "title_en", "tags"))
    return rows


def suggested(user: User, text: str, authority_id: int | None = None) -> Sequence[Article]:
    """The few published articles that are most like `text` and that this person may read. One query.

    A word in the title or among the keywords counts three times.
    """
    words = fulltext.telling(text)
    if not words:
        return []
    rows = Article.objects.visible_to(user).filter(published_at__isnull=False)
    if authority_id is not None:
        rows = rows.filter(authority=authority_id)
    return list(rows.annotate(score=_score(words)).filter(score__gte=3).order_by("-score", "pk")[:FEW])


def _score(words: Sequence[str]) -> Any:
    score: Any = Value(0)
    for word in words:
        in_head = fulltext.contains(word, "title_de", "title_en", "tags")
        in_text = Q(pk__in=fulltext.holding(Article.objects.order_by(), word, *COLUMNS).values("pk"))
        score = score + Case(When(in_head, then=3), When(in_text, then=1), default=0, output_field=IntegerField())
    return Cast(score, IntegerField())


def with_counts(rows: QuerySet[Article]) -> QuerySet[Article]:
    return rows.annotate(helped_count=Count("helped"))
