"""What was sent once is done once: keys for forms and for the API."""

import json
import secrets
from collections.abc import Callable
from typing import Annotated, Any

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from ninja.params.functions import Header

from fleet.web.api.problems import Problem
from fleet.web.models import RequestKey

IdempotencyKey = Annotated[str | None, Header(None, alias="Idempotency-Key", max_length=255)]


LONGEST = 64
"""Characters of a form's token."""


def fingerprint(content: Any) -> str:
    """32 hexadecimal digits of any JSON-like content. Keyed, because content may hold what nobody should guess from it."""
    text = json.dumps(content, sort_keys=True, default=str)
    return salted_hmac("fleet.web.once", text, algorithm="sha256").hexdigest()[:32]


def form_key(token: str, content: Any) -> str:
    """A double click sends the same twice; who goes back and sends something else means something else."""
    return fingerprint([token, content])


def form_token(request: HttpRequest) -> str:
    """What a form carries as `token`: that of the page that was sent, so that a refused one stays the same form."""
    return request.POST.get("token", "")[:LONGEST] or secrets.token_hex(16)


def posted_key(request: HttpRequest) -> str | None:
    """The key of the form that was sent: of its `token` and all that was typed. None without a token."""
    said = {name: request.POST.getlist(name) for name in request.POST if name != "csrfmiddlewaretoken"}
    return form_key(said["token"][0], [request.path, said]) if said.get("token", [""])[0] else None


def made_once(person_id: int, key: str | None, make: Callable[[], int]) -> int:
    """The number of what `make` makes; of what it made before, where this person has sent `key` already."""
    if key is None:
        return make()
    RequestKey.objects.outdated(timezone.now()).delete()
    with transaction.atomic():
        row, new = RequestKey.objects.get_or_create(person_id=person_id, key=key, defaults={"fingerprint": ""})
        if new:
            row.fingerprint = str(make())
            row.save(update_fields=["fingerprint"])
    return int(row.fingerprint)


def made_by_key(request: HttpRequest, operation: str, key: str | None, make: Callable[[], int]) -> int:
    """`made_once` for the API: with the `Idempotency-Key` that came along, if one did. Problem 422 as `key_for`."""
    short = key_for(request, operation, key)
    return made_once(request.user.pk or 0, fingerprint([short, "made"]) if short else None, make)


def key_for(request: HttpRequest, operation: str, key: str | None) -> str | None:
    """`key` as 32 digits that services take, unless this person used it for another request of this kind: Problem 422."""
    if not key:
        return None
    RequestKey.objects.outdated(timezone.now()).delete()
    mine = fingerprint([request.get_full_path(), json.loads(request.body or b"null")])
    short = fingerprint([operation, key])
    row, _created = RequestKey.objects.get_or_create(
        person_id=request.user.pk or 0, key=short, defaults={"fingerprint": mine}
    )
    if row.fingerprint != mine:
        raise Problem(422, _("This Idempotency-Key has been sent with something else before. Send a new one."))
    return short
