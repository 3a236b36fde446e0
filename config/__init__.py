"""The composition root: settings, environment, URLs, Celery, the one API object. No models, no rules."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
