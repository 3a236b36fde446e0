"""What a mail adds to an article: who wrote it, what it answers, what it repeats."""

from dataclasses import dataclass

from helpdesk.tickets.models import Article


@dataclass(frozen=True)
class Letter:
    """`message_id` None: one that is known already, or none."""

    sender: str = ""
    verified: bool = True
    message_id: str | None = None
    in_reply_to: str = ""
    quoted: str = ""
    html: str = ""


def add_letter(*, article: Article, letter: Letter) -> None:
    """In the caller's transaction, the one in which the article was written."""
    Article.objects.filter(pk=article.pk).update(**vars(letter))
