"""What the API says about the catalogue."""

from datetime import datetime
from typing import Any

from django.utils.translation import get_language
from ninja import Field, Schema
from pydantic import ConfigDict

from fleet.web.instants import LooseInstant
from helpdesk.catalogue import outlook
from helpdesk.catalogue.offers import Offer, playbook_of
from helpdesk.catalogue.questions import Question


class AskOut(Schema):
    """An argument to be given with an order. Secret ones are kept encrypted and never given out again."""

    name: str
    label: str
    type: str
    required: bool
    choices: list[Any]
    secret: bool
    default: str
    when: dict[str, list[str]] = Field(default_factory=dict)
    """{another argument: the answers with which this one is asked}"""


class OfferOut(Schema):
    """`targets`: site, site-access-points (give `site_id`), room, room-access-points (give `room_id`), device,
    device-uplink-switch (give `device_id`)."""

    slug: str
    title: str
    summary: str
    playbook: str | None
    targets: str
    time_box: bool
    asks: list[AskOut]
    outlook: list[str]

    @classmethod
    def of(cls, offer: Offer) -> "OfferOut":
        language = get_language()
        return cls(
            slug=offer.slug,
            title=offer.title.in_language(language),
            summary=offer.summary.in_language(language),
            playbook=offer.playbook or None,
            targets=offer.targets,
            time_box=offer.time_box,
            asks=_asks(offer),
            outlook=outlook.of(offer),
        )


def _asks(offer: Offer) -> list[AskOut]:
    playbook, language = playbook_of(offer), get_language()
    questions = [_question(one, language) for one in offer.field]
    if playbook is None:
        return questions
    asked = [(ask, playbook.argument(ask.argument)) for ask in offer.ask]
    return [
        AskOut(
            name=argument.name,
            label=argument.label.in_language(language),
            type=argument.type,
            required=argument.required and not ask.generate,
            choices=list(argument.choices),
            secret=argument.secret,
            default=ask.default or str(argument.default or ""),
        )
        for ask, argument in asked
    ] + questions


def _question(one: Question, language: str | None) -> AskOut:
    return AskOut(
        name=one.name,
        label=one.label.in_language(language),
        type=one.type,
        required=one.required and not one.when,
        choices=one.possible(),
        secret=False,
        default="",
        when=one.conditions(),
    )


class OrderIn(Schema):
    """`arguments`: what the offer `asks`, by name; where it is wanted as its `targets` say."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "room_id": 204,
                    "arguments": {"ssid": "Pruefung-204"},
                    "starts_at": "2026-12-01T08:00:00+01:00",
                    "ends_at": "2026-12-01T12:00:00+01:00",
                    "note": "Abitur Mathematik",
                }
            ]
        }
    )

    site_id: int | None = None
    room_id: int | None = None
    device_id: int | None = None
    arguments: dict[str, str | int | bool | list[str]] = Field(default_factory=dict)
    starts_at: LooseInstant | None = None
    ends_at: LooseInstant | None = None
    note: str = Field("", max_length=500)


class AgreementOut(Schema):
    """An order that somebody has to agree to. `number`: its ticket, which says what was ordered."""

    number: str = Field(alias="ticket.number")
    slug: str
    subject: str = Field(alias="ticket.subject")
    site_id: int = Field(alias="ticket.site_id")
    requester_id: int | None = Field(alias="ticket.requester_id")
    version: int = Field(alias="ticket.version")
    """Of the ticket; as `"<version>"` it goes into If-Match."""
    agreement: str
    """wanted, given or refused"""
    created_at: datetime
    decided_at: datetime | None


class CommentIn(Schema):
    comment: str = Field("", max_length=2000)
    """Read by whoever ordered."""


class OrderedOut(Schema):
    """`keys`: secret arguments, also made-up ones; said in this answer alone."""

    number: str
    change_id: int | None
    keys: dict[str, str]
