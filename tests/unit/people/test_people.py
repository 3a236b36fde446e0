"""People and their roles in the database: what must never be false is refused there."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from django.utils import timezone

from fleet.devices.models import Device
from fleet.people.models import Grant, Scope, User
from fleet.people.rules import Action, Role
from fleet.people.services import grant
from fleet.sites.models import Site
from tests.conftest import City


def test_a_coordinator_sees_the_own_school_alone(city: City) -> None:
    assert list(Site.objects.visible_to(city.coordinator_a)) == [city.school_a]
    assert set(Device.objects.visible_to(city.coordinator_a).values_list("site", flat=True)) == {city.school_a.pk}


def test_the_administrator_of_the_city_sees_every_school(city: City) -> None:
    assert Site.objects.visible_to(city.administrator).count() == 2


def test_strangers_see_nothing(city: City) -> None:
    for nobody in (AnonymousUser(), city.stranger):
        assert not Site.objects.visible_to(nobody).exists()
        assert not Device.objects.visible_to(nobody).exists()


def test_what_may_be_seen_may_not_all_be_done(city: City) -> None:
    assert not Device.objects.allowing(city.coordinator_a, Action.POLL_NOW).exists()
    assert Device.objects.allowing(city.technician, Action.POLL_NOW).count() == 6


def test_a_role_ends_when_it_was_said_to_end(city: City) -> None:
    grant(
        user=city.stranger,
        role=Role.TECHNICIAN,
        scope_id=city.school_a.pk,
        expires_at=timezone.now() - timedelta(seconds=1),
    )

    assert not Site.objects.visible_to(city.stranger).exists()


def test_giving_a_role_again_only_moves_its_end(city: City) -> None:
    for _ in range(2):
        grant(user=city.stranger, role=Role.TECHNICIAN, scope_id=city.school_a.pk)

    assert Grant.objects.filter(user=city.stranger).count() == 1
    assert list(Site.objects.visible_to(city.stranger)) == [city.school_a]


def test_one_address_is_one_person_in_any_case(city: City) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.bulk_create([User(email="ALMA@Musterstadt.example", name="Alma zwei")])


def test_an_unknown_role_cannot_be_stored(city: City) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.create(user=city.stranger, role="king", scope_id=city.school_a.pk)


def test_a_site_without_an_authority_cannot_be_stored(db: None) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Scope.objects.create(kind=Scope.Kind.SITE, name="nowhere")


def test_passwords_are_kept_with_argon2(db: None) -> None:
    assert User.objects.create_user("x@musterstadt.example", "ein langes Passwort").password.startswith("argon2$")
