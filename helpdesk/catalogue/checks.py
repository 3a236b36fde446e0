"""`manage.py check` reads every request's file."""

from typing import Any

from django.core.checks import CheckMessage, Error

from helpdesk.catalogue import offers


def check_offers(**_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for source in sorted(offers.FOLDER.glob("*.toml")):
        try:
            offers.load(source)
        except offers.OfferError as error:
            found.append(Error(str(error), id="catalogue.E001"))
    return found
