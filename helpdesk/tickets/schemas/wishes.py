"""What the API takes: each with an example that works as it stands, numbers aside."""

from typing import Any, Literal

from ninja import Field, Schema
from pydantic import ConfigDict

from helpdesk.tickets.models import Rating, Ticket

ForPeople = Literal["new", "open", "waiting-requester", "waiting-vendor", "resolved", "closed"]


def _like(**example: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class TicketIn(Schema):
    model_config = _like(
        room_id=204, subject="WLAN geht nicht", body="Seit heute früh.", device_ids=[17], blocks_lesson=True
    )

    room_id: int
    subject: str = Field(min_length=3, max_length=200)
    body: str = Field("", max_length=20_000)
    device_ids: list[int] = Field(default_factory=list)
    blocks_lesson: bool = False


class ArticleIn(Schema):
    """`still_broken`: opens a resolved ticket again. `internal`, `minutes` (worked) and `to`: for those who work on it."""

    model_config = _like(body="Das Netzteil ist getauscht.", internal=False, minutes=15, to="resolved")

    body: str = Field(min_length=1, max_length=20_000)
    internal: bool = False
    still_broken: bool = False
    minutes: int = Field(0, ge=0, le=1440)
    to: ForPeople | None = None


class TransitionIn(Schema):
    """Which version was seen is said here or with If-Match."""

    model_config = _like(to="waiting-requester", seen_version=3)

    to: ForPeople
    seen_version: int | None = None


class TicketPatch(Schema):
    """What is left out stays; null takes away."""

    model_config = _like(priority=3, owner_id=12)

    subject: str | None = Field(None, min_length=3, max_length=200)
    priority: Ticket.Priority | None = None
    owner_id: int | None = None
    queue_id: int | None = None
    category_id: int | None = None


class OtherIn(Schema):
    """`number` of the other ticket."""

    model_config = _like(number="F2026-000123")

    number: str = Field(min_length=1, max_length=20)


class ParentIn(Schema):
    model_config = _like(number="F2026-000123")

    number: str | None = Field(None, max_length=20)


class SplitIn(Schema):
    model_config = _like(article_ids=[4711], subject="Auch der Beamer flackert")

    article_ids: list[int] = Field(max_length=500)
    subject: str = Field(min_length=3, max_length=200)


class TagIn(Schema):
    model_config = _like(name="Umbau")

    name: str = Field(min_length=1, max_length=50, pattern=r"\S")


class PresenceIn(Schema):
    model_config = _like(typing=True)

    typing: bool = False


class RatingIn(Schema):
    """`grade`: 1 good, 2 so so, 3 bad."""

    model_config = _like(grade=1, comment="Ging schnell.")

    grade: Rating.Grade
    comment: str = Field("", max_length=2000)


class FollowUpIn(Schema):
    model_config = _like(body="Heute wieder dasselbe.")

    body: str = Field("", max_length=20_000)


class BulkIn(Schema):
    """`do` as in the form below the list: `priority:4`, `assign:12`, `state:resolved`, `take:`, `tag:3`, `macro:5` …"""

    model_config = _like(do="priority:4")

    do: str = Field(min_length=1, max_length=100)
