"""Ordering from the catalogue, and following what becomes of it."""

from helpdesk.catalogue.services.submitting import Submission, SubmissionError, Submitted, submit

__all__ = ["Submission", "SubmissionError", "Submitted", "submit"]
