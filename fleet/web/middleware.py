"""Errors below /api/ that no operation raised (unknown address, wrong method, CSRF) become problem documents too."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from fleet.web.api import CONTENT_TYPE, problem_response
from fleet.web.views import wrong_method

API = "/api/"
FIRST_ERROR = 400


class WrongMethodPages:
    """Whoever opens an address that only takes forms (as after a login in between) is not left before a blank page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED or request.path.startswith(API):
            return response
        page = wrong_method(request)
        page.headers["Allow"] = response.headers.get("Allow", "")
        return page


class ApiProblems:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not request.path.startswith(API) or response.status_code < FIRST_ERROR:
            return response
        if response.headers.get("Content-Type", "").startswith(CONTENT_TYPE):
            return response
        kept = {name: response.headers[name] for name in ("Allow", "Retry-After") if name in response.headers}
        problem: HttpResponse = problem_response(response.status_code, headers=kept)
        return problem
