"""Conditional requests (RFC 9110, 8.8 and 13): what is unchanged is not sent again, what was changed is not overwritten.

An ETag is `"<version>.<digest>"`: the digest of what this reader is shown tells caches that it is the same, the version
tells writers that nobody was faster. Whole or as `"<version>"` it goes into If-Match.
"""

import functools
import hashlib
from collections.abc import Callable
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import parse_etags
from django.utils.translation import gettext as _
from ninja.params.functions import Header

from fleet.web.api.problems import Problem

GOOD = frozenset({200, 201})
READING = frozenset({"GET", "HEAD"})
DIGITS = 16
IfMatch = Annotated[str | None, Header(None, alias="If-Match", max_length=200)]


def validated(run: Callable[..., Any]) -> Callable[..., Any]:
    """`@decorate_view(validated)` below the route: an ETag on what is shown, 304 for who has it already."""

    @functools.wraps(run)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        response = run(request, *args, **kwargs)
        if response.status_code not in GOOD or response.streaming:
            return response
        response.headers["ETag"] = _tag(response)
        patch_cache_control(response, private=True, no_cache=True)
        if request.method not in READING:
            return response
        return get_conditional_response(request, etag=response.headers["ETag"], response=response)

    return answer


def _tag(response: HttpResponse) -> str:
    """The operation itself may have said the version, as an ETag of its own."""
    version = response.headers.get("ETag", "").strip('"')
    digest = hashlib.sha256(response.content).hexdigest()[:DIGITS]
    return f'"{version}.{digest}"' if version else f'"{digest}"'


def check(if_match: str | None, version: int, *, needed: bool = False) -> None:
    """Problem 412 where `version` is not the one that was read; with `needed` 428 where none is named (RFC 6585, 3)."""
    if if_match is None:
        if needed:
            raise Problem(428, _("Send as If-Match the ETag with which you have read it, so that nobody's change is lost."))
        return
    tags = parse_etags(if_match)
    if tags != ["*"] and not any(_version(tag) == str(version) for tag in tags):
        raise changed()


def changed() -> Problem:
    return Problem(412, _("It was changed meanwhile. Read it again, then decide."))


def _version(tag: str) -> str:
    """Of a strong ETag; a weak one says nothing about versions (RFC 9110, 8.8.3.2)."""
    return "" if tag.startswith("W/") else tag.strip('"').partition(".")[0]
