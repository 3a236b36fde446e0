"""What the API says about the catalogue."""

from datetime import datetime
from typing import Any

from django.utils.translation import get_language
from ninja import Field, Schema

from helpdesk.catalogue import outlook
from helpdesk.catalogue.offers import Offer, playbook_of


class AskOut(Schema):
    """An argument to be given with an order. Secret ones are kept encrypted and never given out again."""

    name: str
    label: str
    type: str
    required: bool
    choices: list[Any]
    secret: bool
    default: str


class OfferOut(Schema):
    """`targets`: room, room-access-points (give `room_id`), device, device-uplink-switch (give `device_id`)."""

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
    if playbook is None:
        return []
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
    ]


class OrderIn(Schema):
    room_id: int | None = None
    device_id: int | None = None
    arguments: dict[str, str | int | bool | list[str]] = Field(default_factory=dict)
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    note: str = Field("", max_length=500)


class OrderedOut(Schema):
    """`keys`: secret arguments, also made-up ones; said in this answer alone."""

    number: str
    change_id: int | None
    keys: dict[str, str]
