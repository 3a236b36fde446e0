"""Errors below /api/ that no operation raised (unknown address, wrong method, CSRF) become problem documents too."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from fleet.web.api import CONTENT_TYPE, problem_response

API = "/api/"
FIRST_ERROR = 400


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
