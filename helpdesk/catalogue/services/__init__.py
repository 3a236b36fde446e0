"""Ordering from the catalogue, and following what becomes of it."""

from helpdesk.catalogue.services.agreeing import DecidedError, awaiting, decide, entitled, may_decide
from helpdesk.catalogue.services.submitting import Submission, SubmissionError, Submitted, submit

__all__ = [
    "DecidedError",
    "Submission",
    "SubmissionError",
    "Submitted",
    "awaiting",
    "decide",
    "entitled",
    "may_decide",
    "submit",
]
