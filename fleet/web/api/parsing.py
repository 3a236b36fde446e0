"""No text that comes in holds NUL: PostgreSQL stores none, and no person types one. Django's forms refuse it likewise."""

from typing import Any

from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from ninja.parser import Parser

from fleet.web.api.problems import Problem

NUL = "\0"


class WithoutNul(Parser):
    """Ninja's own parser that refuses NUL: 422 in the query, 400 in the body (ninja calls that body unreadable)."""

    def parse_body(self, request: HttpRequest) -> Any:
        body: Any = super().parse_body(request)
        if _has_nul(body):
            raise _refused()
        return body

    def parse_querydict(self, data: MultiValueDict[str, Any], list_fields: list[str], request: HttpRequest) -> Any:
        if _has_nul([data.getlist(name) for name in data]):
            raise _refused()
        return super().parse_querydict(data, list_fields, request)


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return NUL in value
    if isinstance(value, dict):
        return any(_has_nul(one) for pair in value.items() for one in pair)
    return isinstance(value, list) and any(_has_nul(one) for one in value)


def _refused() -> Problem:
    return Problem(422, _("A text must not hold the character NUL."))
