"""What every router shares: problem details (RFC 9457), cursor pages, throttling."""

from fleet.web.api.pages import CursorPage
from fleet.web.api.parsing import WithoutNul
from fleet.web.api.problems import (
    CONTENT_TYPE,
    Problem,
    ProblemDetails,
    install,
    problem_response,
    throttled,
    unauthenticated,
)
from fleet.web.api.throttling import PerAddress, PerPerson

__all__ = [
    "CONTENT_TYPE",
    "CursorPage",
    "PerAddress",
    "PerPerson",
    "Problem",
    "ProblemDetails",
    "WithoutNul",
    "install",
    "problem_response",
    "throttled",
    "unauthenticated",
]
