"""What every router shares: problem details (RFC 9457), cursor pages, throttling."""

from fleet.web.api.pages import CursorPage
from fleet.web.api.problems import CONTENT_TYPE, Problem, ProblemDetails, install, problem_response

__all__ = ["CONTENT_TYPE", "CursorPage", "Problem", "ProblemDetails", "install", "problem_response"]
