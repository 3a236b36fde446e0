"""Administrators look after people: never beyond their own power or place, never themselves, never the last one away."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from fleet.events.models import Event
from fleet.people import selectors, services
from fleet.people.models import ApiToken, Grant, Scope, User
from fleet.people.rules import Access, Refusal, Role
from fleet.sites import services as sites
from fleet.sites.models import Site
from tests.conftest import PASSWORD, City, login

pytestmark = pytest.mark.django_db


def scope(pk: int) -> Scope:
    return Scope.objects.get(pk=pk)


def details(person: User, **other: str) -> services.Details:
    return services.Details(**{"name": person.name, "email": person.email, "language": person.language} | other)


@pytest.fixture
def head_of_a(city: City) -> User:
    """Administrator of school A alone."""
    user = User.objects.create_user("hanna@musterstadt.example", name="Hanna")
    services.grant(user=user, role=Role.ADMINISTRATOR, scope_id=city.school_a.pk)
    return user


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    ("held", "gives"),
    [(Role.ADMINISTRATOR, True), *((role, False) for role in Role if role is not Role.ADMINISTRATOR)],
)
def test_only_administrators_give_roles(role: Role, held: Role, gives: bool) -> None:
    assert Access.of([(held, 7)]).may_give(role, 7) is gives
    assert Access.of([(held, 7)]).may_give(role, 9, 7) is gives
    assert not Access.of([(held, 9)]).may_give(role, 7)


def test_a_new_person_is_there_with_their_role_and_the_audit_says_who_did_it(city: City) -> None:
    giving = services.Giving(Role.COORDINATOR, scope(city.school_a.pk))

    made = services.add(
        details=services.Details(" Kim\nKlein ", "Kim@Schule.example", "en"), giving=giving, by=city.administrator
    )

    assert (made.name, made.email, made.language, made.state) == ("Kim Klein", "kim@schule.example", "en", "invited")
    assert made.access.roles() == {Role.COORDINATOR}
    events = list(Event.objects.filter(subject_type="people.user", subject_id=made.pk).order_by("pk"))
    assert [(event.name, event.actor_id) for event in events] == [
        ("person.added", city.administrator.pk),
        ("person.role-given", city.administrator.pk),
    ]
    assert (events[0].authority_id, events[0].site_id) == (city.authority.pk, city.school_a.pk)
    assert "kim" not in str([event.payload for event in events]).lower()


@pytest.mark.parametrize(("email", "field"), [("ALMA@musterstadt.example", "email"), ("no address", "email")])
def test_an_address_is_one_persons_and_an_address(city: City, email: str, field: str) -> None:
    giving = services.Giving(Role.COORDINATOR, scope(city.school_a.pk))
    before = User.objects.count()

    with pytest.raises(ValidationError) as refused:
        services.add(details=services.Details("Kim", email, "de"), giving=giving, by=city.administrator)

    assert list(refused.value.message_dict) == [field]
    assert User.objects.count() == before


@pytest.mark.parametrize("who", ["coordinator_a", "technician", "approver", "auditor", "security", "stranger"])
def test_nobody_else_adds_or_gives(city: City, who: str) -> None:
    by, giving = getattr(city, who), services.Giving(Role.COORDINATOR, scope(city.school_a.pk))

    with pytest.raises(services.RefusedError) as adding:
        services.add(details=services.Details("Kim", "kim@schule.example", "de"), giving=giving, by=by)
    with pytest.raises(services.RefusedError) as given:
        services.give(person=city.coordinator_b, giving=giving, by=by)

    assert {adding.value.reason, given.value.reason} == {Refusal.BEYOND}
    assert not User.objects.filter(email="kim@schule.example").exists()


def test_the_administrator_of_a_school_stays_within_it(city: City, head_of_a: User) -> None:
    for place in (city.school_b.pk, city.authority.pk):
        with pytest.raises(services.RefusedError) as refused:
            services.give(person=city.coordinator_a, giving=services.Giving(Role.COORDINATOR, scope(place)), by=head_of_a)
        assert refused.value.reason is Refusal.BEYOND

    services.give(person=city.coordinator_a, giving=services.Giving(Role.APPROVER, scope(city.school_a.pk)), by=head_of_a)
    assert Role.APPROVER in User.objects.get(pk=city.coordinator_a.pk).access.roles()


def test_whoever_works_elsewhere_too_keeps_their_address_and_account(city: City, head_of_a: User) -> None:
    """With the address of the city's technician, somebody at school A could be them at school B."""
    for act in (
        lambda: services.change(person=city.technician, details=details(city.technician, email="h@x.example"), by=head_of_a),
        lambda: services.leave(person=city.technician, by=head_of_a),
        lambda: services.come_back(person=city.technician, by=head_of_a),
    ):
        with pytest.raises(services.RefusedError) as refused:
            act()
        assert refused.value.reason is Refusal.ELSEWHERE
    assert not services.invite(person=city.technician, by=head_of_a)
    assert mail.outbox == []


def test_nobody_changes_their_own_roles_or_sends_themselves_away(city: City) -> None:
    ada = city.administrator
    giving = services.Giving(Role.APPROVER, scope(city.authority.pk))

    for act in (
        lambda: services.give(person=ada, giving=giving, by=ada),
        lambda: services.take(grant=ada.grants.get(), by=ada),
        lambda: services.leave(person=ada, by=ada),
    ):
        with pytest.raises(services.RefusedError) as refused:
            act()
        assert refused.value.reason is Refusal.YOURSELF
    assert User.objects.get(pk=ada.pk).access.roles() == {Role.ADMINISTRATOR}


def test_the_last_administrator_of_a_place_is_known(city: City, head_of_a: User) -> None:
    assert selectors.is_last_administrator(city.administrator)
    assert not selectors.is_last_administrator(head_of_a)  # the authority's is one of the school, too
    other = User.objects.create_user("ben@musterstadt.example", name="Ben")
    row = services.grant(user=other, role=Role.ADMINISTRATOR, scope_id=city.authority.pk)
    assert not selectors.is_last_administrator(city.administrator)

    Grant.objects.filter(pk=row.pk).update(expires_at=timezone.now() - timedelta(days=1))
    assert selectors.is_last_administrator(city.administrator)


def test_an_administrator_whose_role_ends_leaves_nobody_behind(city: City) -> None:
    ada, ben = city.administrator, User.objects.create_user("ben@musterstadt.example", name="Ben")
    row = services.grant(user=ben, role=Role.ADMINISTRATOR, scope_id=city.authority.pk)
    ending = services.Giving(Role.ADMINISTRATOR, scope(city.authority.pk), timezone.now() + timedelta(days=3))
    services.give(person=ben, giving=ending, by=ada)
    assert selectors.is_last_administrator(ada)

    for act in (
        lambda: services.give(person=ada, giving=ending, by=ben),
        lambda: services.take(grant=ada.grants.get(), by=ben),
        lambda: services.leave(person=ada, by=ben),
    ):
        with pytest.raises(services.RefusedError) as refused:
            act()
        assert refused.value.reason is Refusal.LAST_ADMINISTRATOR

    services.give(person=ben, giving=services.Giving(Role.ADMINISTRATOR, ending.scope), by=ada)
    row.refresh_from_db()
    assert row.expires_at is None
    services.give(person=ada, giving=ending, by=ben)
    assert not selectors.is_last_administrator(ada)


def test_whoever_lost_their_role_meanwhile_does_nothing_any_more(city: City) -> None:
    """Their request came in before; `access` is remembered from then."""
    assert city.administrator.access.roles()
    city.administrator.grants.update(expires_at=timezone.now())

    with pytest.raises(services.RefusedError):
        services.take(grant=city.coordinator_a.grants.get(), by=city.administrator)

    assert city.coordinator_a.access.roles()


def test_a_role_that_is_taken_ends_and_is_remembered(city: City) -> None:
    row = city.coordinator_a.grants.get()

    assert services.take(grant=row, by=city.administrator)
    assert not services.take(grant=row, by=city.administrator)

    person = User.objects.get(pk=city.coordinator_a.pk)
    assert not person.access.roles()
    assert selectors.known_to(city.administrator).filter(pk=person.pk).exists()
    assert Event.objects.filter(name="person.role-taken", subject_id=person.pk).count() == 1


def test_an_end_lies_ahead(city: City) -> None:
    past = services.Giving(Role.AUDITOR, scope(city.school_a.pk), timezone.now() - timedelta(minutes=1))

    with pytest.raises(ValidationError, match="vorbei"):
        services.give(person=city.coordinator_a, giving=past, by=city.administrator)


def test_whoever_has_left_is_out_at_once_and_comes_back_without_a_role(city: City, client: Client) -> None:
    alma = city.coordinator_a
    alma.set_password(PASSWORD)
    alma.save()
    client.post("/accounts/login/", {"login": alma.email, "password": PASSWORD})
    token, clear = services.issue_token(user=alma, name="x", reach=ApiToken.Reach.WRITE, valid_for=timedelta(days=1))
    assert client.get("/account/").status_code == 200

    assert services.leave(person=alma, by=city.administrator)

    assert client.get("/account/").status_code == 302
    assert not UserSession.objects.filter(user=alma).exists()
    assert services.use_token(clear=clear.reveal(), now=timezone.now()) is None
    assert services.come_back(person=alma, by=city.administrator)
    assert services.use_token(clear=clear.reveal(), now=timezone.now()) is None
    assert not User.objects.get(pk=alma.pk).access.roles()
    assert login(client, User.objects.get(pk=alma.pk)).get("/account/").status_code == 200
    names = (
        Event.objects.filter(subject_id=alma.pk, name__startswith="person.").order_by("pk").values_list("name", flat=True)
    )
    assert list(names) == ["person.left", "person.returned"]
    token.refresh_from_db()
    assert token.revoked_at


def test_nobody_gives_a_role_to_somebody_who_has_left(city: City) -> None:
    services.leave(person=city.coordinator_a, by=city.administrator)

    with pytest.raises(services.RefusedError) as refused:
        services.give(
            person=city.coordinator_a,
            giving=services.Giving(Role.COORDINATOR, scope(city.school_a.pk)),
            by=city.administrator,
        )

    assert refused.value.reason is Refusal.LEFT


def test_nobody_gives_a_role_at_a_school_that_has_closed(city: City) -> None:
    site = sites.create_site(authority=city.authority, details=sites.SiteDetails(Site.Kind.SCHOOL, "Altschule", "altschule"))
    giving, ada = services.Giving(Role.COORDINATOR, scope(site.pk)), city.administrator
    sites.close_site(site=site, at=timezone.now(), by=ada)  # after the form was looked at
    acts = (
        lambda: services.add(details=services.Details("Kim", "kim@schule.example", "de"), giving=giving, by=ada),
        lambda: services.give(person=city.coordinator_a, giving=giving, by=ada),
        lambda: services.enter_role(person=city.coordinator_a, giving=giving, by=None),
    )

    for act in acts:
        with pytest.raises(services.RefusedError) as refused:
            act()
        assert refused.value.reason is Refusal.CLOSED
    assert not User.objects.filter(email="kim@schule.example").exists()
    assert giving.scope not in selectors.places(ada)

    sites.reopen_site(site=Site.objects.get(pk=site.pk), by=ada)
    assert services.give(person=city.coordinator_a, giving=giving, by=ada).scope in selectors.places(ada)


def test_a_former_address_opens_nothing_and_is_told(
    city: City, client: Client, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    alma, before = city.coordinator_a, city.coordinator_a.email
    EmailAddress.objects.create(user=alma, email=before, primary=True, verified=True)

    with django_capture_on_commit_callbacks(execute=True):
        services.change(person=alma, details=details(alma, email="Alma.Neu@musterstadt.example"), by=city.administrator)

    assert [one.to for one in mail.outbox] == [[before]]
    mail.outbox.clear()
    client.post("/accounts/password/reset/", {"email": before})
    assert not any("/password/reset/key/" in str(one.body) for one in mail.outbox)
    assert User.objects.get(pk=alma.pk).email == "alma.neu@musterstadt.example"


@pytest.mark.parametrize("by", ["administrator", "themselves"])
def test_an_address_changed_by_somebody_else_ends_what_the_former_one_opened(city: City, client: Client, by: str) -> None:
    person = User.objects.create_user("ben@musterstadt.example", PASSWORD, name="Ben")
    services.grant(user=person, role=Role.ADMINISTRATOR, scope_id=city.authority.pk)
    token, _clear = services.issue_token(user=person, name="t", reach=ApiToken.Reach.READ, valid_for=timedelta(days=1))
    actor = city.administrator if by == "administrator" else person
    client.post("/accounts/login/", {"login": person.email, "password": PASSWORD})
    assert client.get("/account/").status_code == 200

    services.change(person=person, details=details(person, name="Benno"), by=actor)
    assert client.get("/account/").status_code == 200
    services.change(person=person, details=details(person, email="neu@musterstadt.example"), by=actor)

    token.refresh_from_db()
    shut_out = by == "administrator"
    assert (client.get("/account/").status_code, token.revoked_at is not None) == (302 if shut_out else 200, shut_out)


def test_what_was_changed_meanwhile_is_not_overwritten(city: City) -> None:
    alma = city.coordinator_a
    services.change(person=alma, details=details(alma, name="Alma A."), by=city.administrator, version=alma.version)

    with pytest.raises(services.RefusedError) as refused:
        services.change(person=alma, details=details(alma, name="Alma B."), by=city.administrator, version=alma.version)

    assert refused.value.reason is Refusal.CHANGED
    assert User.objects.get(pk=alma.pk).name == "Alma A."


def test_recovery_codes_alone_are_no_second_factor(city: City) -> None:
    Authenticator.objects.create(user=city.coordinator_a, type=Authenticator.Type.RECOVERY_CODES, data={})
    Authenticator.objects.create(user=city.coordinator_b, type=Authenticator.Type.TOTP, data={})

    found = selectors.shown_to(selectors.known_to(city.administrator), city.administrator)

    assert {one.name for one in found if one.has_factor} == {"Bruno"}
