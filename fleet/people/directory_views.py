"""People, for those who look after them: who is there, what they may do where, who comes and who has left."""

from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fleet.people import above, directory_words, selectors, services
from fleet.people.directory_forms import DetailsForm, GivingForm, NewPersonForm, PeopleFilter, suggestions
from fleet.people.directory_pages import history, row, standing
from fleet.people.models import User
from fleet.web.paging import CappedPaginator

PAGE_SIZE = 50
edited = require_http_methods(["GET", "HEAD", "POST"])


def _reader(request: HttpRequest) -> User:
    """Whoever reads about people anywhere; for everybody else there is no such page."""
    user = cast("User", request.user)
    if not user.access.anywhere(selectors.READ):
        raise Http404
    return user


def _manager(request: HttpRequest) -> User:
    user = cast("User", request.user)
    if not user.access.anywhere(selectors.MANAGE):
        raise Http404
    return user


def _known(user: User, pk: int) -> User:
    return get_object_or_404(selectors.shown_to(selectors.known_to(user), user), pk=pk)


def _wholly(user: User, pk: int) -> User:
    """Somebody whom this person manages everywhere: only then may they say who that is, and whether they are here."""
    person = _known(user, pk)
    if not selectors.manages(user, person):
        raise Http404
    return person


def _refused(request: HttpRequest, error: services.RefusedError) -> None:
    messages.error(request, str(directory_words.REFUSALS[error.reason]))


def _marked(form: BaseForm, error: ValidationError) -> None:
    """What a service says of a field stands at that field."""
    for name, texts in error.message_dict.items():
        for text in texts:
            form.add_error(name if name in form.fields else None, text)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    user = _reader(request)
    form = PeopleFilter(request.GET)
    rows = selectors.shown_to(listed(user, form.wanted()), user).order_by("name", "pk")
    page = CappedPaginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "rows": [row(one) for one in page],
        "manages": user.access.anywhere(selectors.MANAGE),
        "links": above.links_of_list(user),
    }
    return render(request, "people/people.html", context)


def listed(user: User, wanted: dict[str, str]) -> QuerySet[User]:
    """What the filter leaves of those whom this person may see."""
    people = selectors.called(selectors.known_to(user), wanted.get("q", ""))
    if "role" in wanted or "place" in wanted:
        scopes = None
        if "place" in wanted:
            meant = selectors.places_called(selectors.places(user, selectors.READ), wanted["place"])
            scopes = list(meant.values_list("pk", flat=True)[: selectors.MOST_PLACES])
        people = selectors.holding(people, user, role=wanted.get("role", ""), scopes=scopes)
    return selectors.in_state(people, wanted["state"]) if "state" in wanted else people


@require_safe
def places(request: HttpRequest) -> HttpResponse:
    """What a typed name may go on as."""
    user = _reader(request)
    found = suggestions(selectors.places(user, selectors.READ), request.GET.get("place", ""))
    return render(request, "people/pieces/places.html", {"names": found})


@never_cache
@require_safe
def person(request: HttpRequest, pk: int) -> HttpResponse:
    user = _reader(request)
    one = _known(user, pk)
    context = standing(one, user) | {"history": history(one, user)}
    return render(request, "people/person.html", context)


@never_cache
@edited
def add(request: HttpRequest) -> HttpResponse:
    user = _manager(request)
    form = NewPersonForm(request.POST if request.method == "POST" else None, by=user)
    if form.is_valid():
        try:
            made = services.add(details=form.details, giving=form.giving, by=user)
        except ValidationError as error:
            _marked(form, error)
        except services.RefusedError as error:
            form.add_error("role", str(directory_words.REFUSALS[error.reason]))
        else:
            messages.success(request, _("%s is added.") % made)
            if form.cleaned_data["invite"]:
                _invite(request, made, user)
            return redirect("directory:person", pk=made.pk)
    return _shown(request, form, "people/person_new.html")


@never_cache
@edited
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    user = _manager(request)
    one = _wholly(user, pk)
    form = DetailsForm(request.POST if request.method == "POST" else None, instance=one, initial={"version": one.version})
    if form.is_valid():
        try:
            services.change(person=one, details=form.details, by=user, version=form.cleaned_data["version"])
        except ValidationError as error:
            _marked(form, error)
        except services.RefusedError as error:
            form.add_error(None, str(directory_words.REFUSALS[error.reason]))
        else:
            messages.success(request, _("Saved."))
            return redirect("directory:person", pk=pk)
    return _shown(request, form, "people/person_edit.html", person=User.objects.get(pk=pk))


@never_cache
@edited
def give(request: HttpRequest, pk: int) -> HttpResponse:
    user = _manager(request)
    one = _known(user, pk)
    form = GivingForm(request.POST if request.method == "POST" else None, by=user)
    if form.is_valid():
        try:
            services.give(person=one, giving=form.giving, by=user)
        except ValidationError as error:
            _marked(form, error)
        except services.RefusedError as error:
            form.add_error(None, str(directory_words.REFUSALS[error.reason]))
        else:
            messages.success(request, _("The role is given."))
            return redirect("directory:person", pk=pk)
    return _shown(request, form, "people/person_role.html", person=one)


def _shown(request: HttpRequest, form: BaseForm, template: str, **context: Any) -> HttpResponse:
    return render(request, template, {"form": form, **context}, status=422 if form.errors else 200)


@require_POST
def take(request: HttpRequest, pk: int, grant: int) -> HttpResponse:
    user = _manager(request)
    one = _known(user, pk)
    held = get_object_or_404(selectors.grants_seen_by(user).select_related("user", "scope"), pk=grant, user=one)
    try:
        if services.take(grant=held, by=user):
            messages.success(request, _("The role is taken."))
    except services.RefusedError as error:
        _refused(request, error)
    return redirect("directory:person", pk=pk)


@require_POST
def invite(request: HttpRequest, pk: int) -> HttpResponse:
    user = _manager(request)
    _invite(request, _wholly(user, pk), user)
    return redirect("directory:person", pk=pk)


def _invite(request: HttpRequest, one: User, user: User) -> None:
    if services.invite(person=one, by=user):
        messages.success(request, _("A mail with a link to set a password is on its way to %s.") % one.email)
    else:
        messages.warning(request, _("The mail could not be sent. Everything is kept; please try it again later from here."))


@never_cache
@edited
def leave(request: HttpRequest, pk: int) -> HttpResponse:
    """Names what it ends and what somebody else has to take over."""
    user = _manager(request)
    one = _wholly(user, pk)
    if request.method == "POST":
        try:
            if services.leave(person=one, by=user):
                messages.success(request, _("%s has left: logins have ended, tokens open nothing, roles are taken.") % one)
        except services.RefusedError as error:
            _refused(request, error)
        return redirect("directory:person", pk=pk)
    reason = services.against_leaving(person=one, by=user)
    context = standing(one, user) | {"reason": directory_words.REFUSALS[reason] if reason else ""}
    return render(request, "people/person_leave.html", context)


@require_POST
def come_back(request: HttpRequest, pk: int) -> HttpResponse:
    user = _manager(request)
    one = _wholly(user, pk)
    try:
        if services.come_back(person=one, by=user):
            messages.success(request, _("%s may log in again. Give the roles that they shall have now.") % one)
    except services.RefusedError as error:
        _refused(request, error)
    return redirect("directory:person", pk=pk)
