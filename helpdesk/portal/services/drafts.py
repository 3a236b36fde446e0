"""Reports that are begun: kept as they were typed, until they are sent or thrown away."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from fleet.people.models import User
from fleet.sites.models import Site
from fleet.web.models import RequestKey
from fleet.web.once import LONGEST as LONGEST_TOKEN
from fleet.web.once import fingerprint
from helpdesk.portal.models import Draft

QUESTIONS = ("room", "device", "trouble", "blocks_lesson", "body", "token")
LONGEST = 5000
FRESH = timedelta(days=7)
"""What was begun before is not what is wrong today."""
MOST = 10
"""Of a person at a school; the oldest goes."""


def keep(*, user: User, site: Site, said: Mapping[str, Any]) -> Draft | None:
    """Forgets on the way what nobody went on with. None for what has ended meanwhile: it was underway when that happened."""
    answers = {name: str(said[name]).replace("\0", "")[:LONGEST] for name in QUESTIONS if name in said}
    token = answers.get("token", "")[:LONGEST_TOKEN]
    Draft.objects.filter(saved_at__lt=timezone.now() - FRESH).delete()
    draft, made = Draft.objects.update_or_create(
        user=user, site=site, token=token, defaults={"answers": answers, "saved_at": timezone.now()}
    )
    if RequestKey.objects.filter(person_id=user.pk, key=_over(token)).exists():  # looked at last, as `end` deletes last
        draft.delete()
        return None
    if made:
        rows = Draft.objects.filter(user=user, site=site).order_by("-saved_at", "-pk")
        Draft.objects.filter(pk__in=list(rows.values_list("pk", flat=True)[MOST:])).delete()
    return draft


def end(user: User, token: str) -> None:
    """Of the report that carries this token: it is sent, thrown away, or an article has helped."""
    if token:
        RequestKey.objects.get_or_create(person_id=user.pk, key=_over(token), defaults={"fingerprint": ""})
        Draft.objects.filter(user=user, token=token).delete()


def _over(token: str) -> str:
    return fingerprint(["report-draft", token])


def begun(user: User, site: Site) -> Draft | None:
    """The latest."""
    fresh = Draft.objects.filter(user=user, site=site, saved_at__gt=timezone.now() - FRESH)
    return fresh.order_by("-saved_at", "-pk").first()
