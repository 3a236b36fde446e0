"""Reports that are begun: kept as they were typed, until they are sent or thrown away."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from fleet.people.models import User
from fleet.sites.models import Site
from helpdesk.portal.models import Draft

QUESTIONS = ("room", "device", "trouble", "blocks_lesson", "body", "token")
LONGEST = 5000
FRESH = timedelta(days=7)
"""What was begun before is not what is wrong today."""


def keep(*, user: User, site: Site, said: Mapping[str, Any]) -> Draft:
    """Forgets on the way what nobody went on with."""
    answers = {name: str(said[name]).replace("\0", "")[:LONGEST] for name in QUESTIONS if name in said}
    Draft.objects.filter(saved_at__lt=timezone.now() - FRESH).delete()
    draft, _made = Draft.objects.update_or_create(
        user=user, site=site, defaults={"answers": answers, "saved_at": timezone.now()}
    )
    return draft


def drop(*, user: User, site: Site) -> None:
    Draft.objects.filter(user=user, site=site).delete()


def end(user: User, token: str) -> None:
    """Of the draft that carries this token: an article has helped, so nothing is sent."""
    if token:
        Draft.objects.filter(user=user, answers__token=token).delete()


def begun(user: User, site: Site) -> Draft | None:
    return Draft.objects.filter(user=user, site=site, saved_at__gt=timezone.now() - FRESH).first()
