"""The version of a person goes up with each change of who they are and what they hold, whoever read them when."""

from collections.abc import Callable

import pytest
from allauth.account.adapter import get_adapter
from django.utils import timezone

from fleet.people import services
from fleet.people.models import Grant, Scope, User
from fleet.people.rules import Role
from fleet.sites import services as sites
from fleet.sites.models import Site
from tests.conftest import City

pytestmark = pytest.mark.django_db
Writer = Callable[[City, User], object]


def at_school_a(city: City) -> Scope:
    return Scope.objects.get(pk=city.school_a.pk)


def prefers(_city: City, alma: User) -> object:
    wishes = services.Preferences(name="Alma A.", language=alma.language, plain_language=True, theme=alma.theme)
    return services.set_preferences(user=alma, preferences=wishes)


def shows(_city: City, alma: User) -> object:
    return services.set_display(user=alma, language="en", theme="dark")


def changes(city: City, alma: User) -> object:
    return services.change(person=alma, details=services.Details("Alma A.", alma.email, "de"), by=city.administrator)


def gives(city: City, alma: User) -> object:
    giving = services.Giving(Role.APPROVER, at_school_a(city))
    return services.give(person=alma, giving=giving, by=city.administrator)


def enters(city: City, alma: User) -> object:
    return services.enter_role(person=alma, giving=services.Giving(Role.APPROVER, at_school_a(city)), by=None)


def takes(city: City, alma: User) -> object:
    return services.take(grant=Grant.objects.get(user=alma), by=city.administrator)


def leaves(city: City, alma: User) -> object:
    return services.leave(person=alma, by=city.administrator)


def returns(city: City, alma: User) -> object:
    User.objects.filter(pk=alma.pk).update(is_active=False)
    return services.come_back(person=alma, by=city.administrator)


def ends(city: City, alma: User) -> object:
    return services.close_scope(scope_id=city.school_a.pk, at=timezone.now())


@pytest.mark.parametrize("write", [prefers, shows, changes, gives, enters, takes, leaves, returns, ends])
def test_it_goes_up_from_what_it_is_not_from_what_was_read(city: City, write: Writer) -> None:
    alma = User.objects.get(pk=city.coordinator_a.pk)
    User.objects.filter(pk=alma.pk).update(version=41)

    write(city, alma)

    assert User.objects.get(pk=alma.pk).version == 42


def test_a_school_that_closes_counts_for_those_alone_whose_roles_end(city: City) -> None:
    school = sites.create_site(authority=city.authority, details=sites.SiteDetails(Site.Kind.SCHOOL, "Altschule", "alt"))
    services.grant(user=city.stranger, role=Role.COORDINATOR, scope_id=school.pk)
    before = dict(User.objects.values_list("pk", "version"))

    sites.close_site(site=school, at=timezone.now(), by=city.administrator)

    after = dict(User.objects.values_list("pk", "version"))
    assert [pk for pk, version in after.items() if version != before[pk]] == [city.stranger.pk]


def test_what_is_shown_as_before_changes_nothing(city: City) -> None:
    alma = city.coordinator_a

    services.set_display(user=alma, language=alma.language, theme="no such theme")

    assert User.objects.get(pk=alma.pk).version == alma.version


def test_who_chooses_easy_words_keeps_the_name_that_was_corrected_meanwhile(city: City) -> None:
    alma = User.objects.get(pk=city.coordinator_a.pk)
    User.objects.filter(pk=alma.pk).update(name="Alma Richtig")

    as_read = services.Preferences(name=alma.name, language=alma.language, plain_language=True, theme=alma.theme)
    services.set_preferences(user=alma, preferences=as_read)

    kept = User.objects.get(pk=alma.pk)
    assert (kept.name, kept.plain_language) == ("Alma Richtig", True)


def test_a_new_password_takes_nothing_back(city: City) -> None:
    alma = User.objects.get(pk=city.coordinator_a.pk)
    services.leave(person=alma, by=city.administrator)

    get_adapter().set_password(alma, "ein ganz neues Passwort 1")

    kept = User.objects.get(pk=alma.pk)
    assert (kept.is_active, kept.version) == (False, alma.version + 1)
    assert kept.check_password("ein ganz neues Passwort 1")
