"""What the pages of places have in common."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.hanging import Hanging
from fleet.sites.models import Authority, Site
from fleet.sites.services import ChangedMeanwhileError
from fleet.sites.views import PageRequest

MANAGE = Action.MANAGE
edited = require_http_methods(["GET", "HEAD", "POST"])


def authorities(user: User) -> QuerySet[Authority]:
    """Those that this person manages as a whole."""
    return Authority.objects.filter(pk__in=user.access.scopes(MANAGE)).order_by("name")


def governs(request: PageRequest, site: Site) -> bool:
    """Whether this person decides on the school itself; whoever manages the school alone decides on its rooms."""
    return request.user.access.may(MANAGE, site.authority_id)


def written(form: forms.BaseForm, act: Callable[[], Any]) -> bool:
    """Does it; or says in the form why it cannot be done."""
    try:
        act()
    except ChangedMeanwhileError:
        form.add_error(None, _("Somebody has changed this since you opened the page. Please open it again and look."))
    except IntegrityError:
        form.add_error(None, _("Somebody has just made one of the same name. Please choose another."))
    return not form.errors


def shown(request: PageRequest, form: forms.BaseForm, **context: Any) -> HttpResponse:
    """`title`, `site`, `button`; `removing`: (address, word) of what takes it away, `hanging`: why it stays."""
    return render(request, "sites/place_form.html", {"form": form, **context}, status=422 if form.errors else 200)


def kept(hanging: Sequence[Hanging]) -> str:
    """`Devices: 2, Tickets: 1`."""
    return ", ".join(f"{one.label}: {one.count}" for one in hanging)
