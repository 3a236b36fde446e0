"""Every error of the API is a problem document (RFC 9457, application/problem+json)."""

import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as FieldsRefused
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, AuthorizationError, HttpError, Throttled, ValidationError

from fleet.web.api.throttling import PerAddress

CONTENT_TYPE = "application/problem+json"
log = logging.getLogger(__name__)
strangers = PerAddress()


class FieldProblem(Schema):
    field: str
    message: str


class ProblemDetails(Schema):
    """RFC 9457, section 3.1; `errors` is our extension member: one entry per refused field."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    errors: list[FieldProblem] = []


class Problem(Exception):  # noqa: N818  (the RFC's own word)
    """Raise it anywhere below an API operation: `Problem(409, _("…"), errors={"starts_at": ["…"]})`."""

    def __init__(self, status: int, detail: str = "", errors: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = [{"field": field, "message": str(text)} for field, texts in (errors or {}).items() for text in texts]


def problem_response(
    status: int, detail: str = "", errors: Sequence[Mapping[str, str]] = (), headers: Mapping[str, str] | None = None
) -> HttpResponse:
    body: dict[str, Any] = {"type": "about:blank", "title": _title(status), "status": status, "detail": detail}
    if errors:
        body["errors"] = list(errors)
    return HttpResponse(json.dumps(body, ensure_ascii=False), status=status, content_type=CONTENT_TYPE, headers=headers)


def _title(status: int) -> str:
    """RFC 9457, 3.1.3 and 4.2.1: with type about:blank the title is the HTTP status phrase."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def install(api: NinjaAPI) -> None:
    """Map every exception that may leave an operation to one problem document."""
    for kind, handler in _handlers().items():
        api.add_exception_handler(kind, handler)


def _handlers() -> dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]]:
    return {
        Exception: _unforeseen,
        Problem: _problem,
        Http404: _not_found,
        PermissionDenied: _forbidden,
        AuthenticationError: _unauthenticated,
        AuthorizationError: _forbidden,
        Throttled: throttled,
        HttpError: _http_error,
        ValidationError: _invalid,
        FieldsRefused: _refused,
    }


def _problem(request: HttpRequest, error: Problem) -> HttpResponse:  # noqa: ARG001
    return problem_response(error.status, error.detail, error.errors)


def _not_found(request: HttpRequest, error: Exception) -> HttpResponse:  # noqa: ARG001
    return problem_response(404, _("There is no such thing, or it is not yours to see."))


def _forbidden(request: HttpRequest, error: Exception) -> HttpResponse:  # noqa: ARG001
    said = error.message if isinstance(error, HttpError) else str(error)
    return problem_response(403, said or _("Your role does not allow this here."))


def _unauthenticated(request: HttpRequest, error: AuthenticationError) -> HttpResponse:  # noqa: ARG001
    return unauthenticated(request)


def unauthenticated(request: HttpRequest) -> HttpResponse:
    """401, or 429 for an address that has tried too often."""
    if refused := strangers.refused(request):  # ninja asks its throttles only after somebody is known
        return throttled(request, refused)
    return problem_response(
        401, _("Log in, or send a valid token as “Authorization: Bearer …”."), headers={"WWW-Authenticate": "Bearer"}
    )


def throttled(request: HttpRequest, error: Throttled) -> HttpResponse:  # noqa: ARG001
    wait_s = max(1, math.ceil(error.wait or 1))
    detail = _("Too many requests in a short time. This one changed nothing; send it again in %(wait_s)d s.")
    return problem_response(429, detail % {"wait_s": wait_s}, headers={"Retry-After": str(wait_s)})


def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:  # noqa: ARG001
    return problem_response(error.status_code, error.message)


def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:  # noqa: ARG001
    """Names the field and what is wrong with it; what was sent is not repeated, it may be secret."""
    errors = [{"field": _place(one.get("loc", ())), "message": str(one.get("msg", one))} for one in error.errors]
    return problem_response(422, _("Some fields are not as they have to be."), errors)


def _refused(request: HttpRequest, error: FieldsRefused) -> HttpResponse:  # noqa: ARG001
    fields = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
    errors = [{"field": field, "message": text} for field, texts in fields.items() for text in texts]
    return problem_response(422, _("Some fields are not as they have to be."), errors)


def _unforeseen(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("request failed", exc_info=error, extra={"path": request.path, "method": request.method})
    return problem_response(500, _("This was our mistake; it has been recorded. What was saved before is safe."))


def _place(where: Sequence[Any]) -> str:
    """("body", "payload", "starts_at") -> "starts_at": source and ninja's parameter name are not the caller's business."""
    parts = [str(part) for part in where]
    if parts and parts[0] in {"body", "query", "path", "form", "header", "cookie", "file"}:
        parts = parts[2:] if parts[0] == "body" and len(parts) > 2 else parts[1:]  # noqa: PLR2004
    return ".".join(parts)
