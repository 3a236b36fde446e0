"""Mails about one's account: the link with which somebody new sets a password."""

import logging
from datetime import timedelta
from typing import Any

from allauth.account import app_settings
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from fleet.events.services import Fact, emit
from fleet.people import selectors
from fleet.people.models import User

log = logging.getLogger(__name__)


def may_invite(*, person: User, by: User) -> bool:
    """Whoever is here, has no password yet, and is wholly `by`'s to manage."""
    return person.state == User.State.INVITED and selectors.manages(by, person)


def invite(*, person: User, by: User) -> bool:
    """Send the link, which opens once; False where the mail could not be sent, or nobody is to be invited."""
    if not may_invite(person=person, by=by):
        return False
    valid = timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
    context = {"by": by, "link": _link(person), "until": timezone.now() + valid, "again": url("account_reset_password")}
    if not send("invitation", person.email, person, context):
        return False
    scope = person.grants.select_related("scope").latest("pk").scope
    with transaction.atomic():
        emit(Fact("person.invited", person, scope.authority_id, scope.site_id, by.pk))
    return True


def send(name: str, to: str, person: User, context: dict[str, Any]) -> bool:
    with translation.override(person.language):
        subject, body = (
            render_to_string(f"people/mail/{name}_{part}.txt", {"person": person, **context}).strip()
            for part in ("subject", "body")
        )
    try:
        EmailMessage(subject, body, to=[to], headers={"Auto-Submitted": "auto-generated"}).send()
    except OSError:
        log.exception("mail not sent", extra={"about": name, "person_id": person.pk})
        return False
    return True


def _link(person: User) -> str:
    """allauth's own link to a new password: it holds for PASSWORD_RESET_TIMEOUT and until there is a password."""
    key = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(person)
    return url("account_reset_password_from_key", uidb36=user_pk_to_url_str(person), key=key)


def url(name: str, **parts: str) -> str:
    return settings.BASE_URL.rstrip("/") + reverse(name, kwargs=parts)
