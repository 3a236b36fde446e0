"""A table of people, uploaded: first what each row would do, then it is done. The work is that of `import_people`."""

import base64
from dataclasses import astuple
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache

from fleet.people.models import User
from fleet.people.roles import role_label
from fleet.people.rules import Role
from fleet.people.services import RefusedError
from fleet.sites import people_words, words
from fleet.sites.models import Authority
from fleet.sites.rules.office_table import MistakesError
from fleet.sites.rules.told import MOST_BYTES, MOST_NAMED, Problem
from fleet.sites.services.people_table import PeopleTaken, RowTaken, take_in_people
from fleet.sites.views import PageRequest
from fleet.sites.views.shared import authorities, edited
from fleet.web.offers import offer_rows
from fleet.web.once import fingerprint

MOST_SHOWN = 500


class TableForm(forms.Form):
    """The table as a file; looked at, it comes back as `table` with what was `seen`."""

    authority = forms.ModelChoiceField(Authority.objects.none(), label=gettext_lazy("Authority"), empty_label=None)
    file = forms.FileField(
        label=gettext_lazy("Table (CSV)"),
        error_messages={"required": gettext_lazy("Please choose a file.")},
        help_text=gettext_lazy("Up to 1 MB. Nothing changes yet: first you see what would."),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )
    table = forms.CharField(required=False, widget=forms.HiddenInput)
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].required = not self.data.get("table")
        rows = authorities(user)
        offer_rows(self, "authority", rows)
        if len(only := list(rows[:2])) == 1:
            self.fields["authority"].widget = forms.HiddenInput()
            self.initial["authority"] = only[0].pk

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        said["data"] = self._data(said)
        if not said["data"] and "file" not in self.errors:
            self.add_error("file", _("Please choose a file."))
        elif len(said["data"]) > MOST_BYTES:
            self.add_error("file", str(words.PROBLEMS[Problem.TOO_LARGE]))
        return said

    def _data(self, said: dict[str, Any]) -> bytes:
        if file := said.get("file"):
            return bytes(file.read(MOST_BYTES + 1))
        try:
            return base64.b64decode(said.get("table") or "", validate=True)
        except ValueError as error:
            raise ValidationError(_("Please upload the table again.")) from error


@never_cache
@edited
def index(request: PageRequest) -> HttpResponse:
    user = request.user
    if not authorities(user).exists():
        raise Http404
    data, files = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = TableForm(data, files, user=user)
    problems: list[str] = []
    if form.is_valid():
        try:
            return _looked_at(request, form.cleaned_data, user)
        except MistakesError as error:
            problems = [people_words.problem(one) for one in error.mistakes]
        except RefusedError as error:
            raise Http404 from error  # the role was taken while the table was on its way
    shown = {"form": form, "problems": problems[:MOST_NAMED], "more": len(problems) - MOST_NAMED, "roles": _roles()}
    return render(request, "sites/people_table.html", shown, status=422 if form.errors or problems else 200)


def _looked_at(request: PageRequest, said: dict[str, Any], user: User) -> HttpResponse:
    """What was seen is done; a table that nobody has seen, or that would do something else by now, is shown.

    Raises MistakesError.
    """
    with transaction.atomic():
        taken = take_in_people(authority=said["authority"], data=said["data"], by=user)
        mark = fingerprint([astuple(row) for row in taken.rows])
        done = said["seen"] == mark
        transaction.set_rollback(not done)
    if done:
        messages.success(request, _said(taken))
        return redirect("directory:list")
    again = TableForm(
        None,
        user=user,
        initial={"authority": said["authority"], "table": base64.b64encode(said["data"]).decode(), "seen": mark},
    )
    del again.fields["file"]
    again.fields["authority"].widget = forms.HiddenInput()
    context = {"form": again, "authority": said["authority"], "changed": bool(said["seen"]), **_preview(taken)}
    return render(request, "sites/people_preview.html", context)


def _preview(taken: PeopleTaken) -> dict[str, Any]:
    return {
        "rows": [_row(row) for row in taken.rows[:MOST_SHOWN]],
        "more": max(0, len(taken.rows) - MOST_SHOWN),
        "nothing": taken.tally.nothing,
        "said": _said(taken),
    }


def _row(row: RowTaken) -> dict[str, Any]:
    pill, word = people_words.outcome(row)
    return {"row": row, "role": role_label(row.role), "pill": pill, "word": word}


def _said(taken: PeopleTaken) -> str:
    accounts, roles = taken.tally.added["Accounts"], taken.tally.added["Roles"]
    made = ngettext("%(count)d new account", "%(count)d new accounts", accounts) % {"count": accounts}
    given = ngettext("%(count)d new role", "%(count)d new roles", roles) % {"count": roles}
    return f"{made}, {given}."


def _roles() -> list[tuple[str, str]]:
    return [(role.value, role_label(role)) for role in Role]
