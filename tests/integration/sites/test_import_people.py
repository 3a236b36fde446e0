"""`manage.py import_people`: accounts and roles from an office's table, all of it or nothing."""

import re
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from django.core import mail
from django.core.management import CommandError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fleet.people import services as people
from fleet.people.models import Grant, User
from fleet.people.rules import Action, Role
from fleet.sites import services as sites
from fleet.sites.models import Authority, Site
from tests.integration.sites.tables import taken_in

pytestmark = pytest.mark.django_db
HEADING = "name;email;role;school"
TABLE = f"""{HEADING}
Carla Neu;Carla@Neuhafen.example;coordinator;Grundschule am Hafen
;carla@neuhafen.example;coordinator;kita
Theo Neu;theo@neuhafen.example;technician;
"""
PASSWORD = "three-quiet-otters-swim"
import_people = partial(taken_in, "import_people")


def _authority(name: str) -> Authority:
    authority = sites.create_authority(name=name)
    for slug, called in (("hafen", "Grundschule am Hafen"), ("kita", "Kita Möwe")):
        sites.create_site(authority=authority, details=sites.SiteDetails(Site.Kind.SCHOOL, called, slug))
    return authority


@pytest.fixture
def authority() -> Authority:
    return _authority("Stadt Neuhafen")


@pytest.fixture
def other() -> Authority:
    return _authority("Stadt Althafen")


def nobody() -> bool:
    return not (User.objects.exists() or Grant.objects.exists())


def held() -> set[tuple[str, str, str]]:
    return set(Grant.objects.values_list("user__email", "role", "scope__name"))


def test_accounts_and_roles_are_made(tmp_path: Path, authority: Authority, other: Authority) -> None:
    said = import_people(tmp_path, TABLE)

    assert set(User.objects.values_list("email", "name")) == {
        ("carla@neuhafen.example", "Carla Neu"),
        ("theo@neuhafen.example", "Theo Neu"),
    }
    carla, theo = User.objects.order_by("email")
    assert carla.access.scopes(Action.VIEW_SITE) == {site.pk for site in Site.objects.filter(authority=authority)}
    assert theo.access.scopes(Action.WORK_TICKETS) == {authority.pk}
    assert said.splitlines()[:2] == [
        "Accounts: 2 added, 0 changed, 0 left as they are.",
        "Roles: 3 added, 0 changed, 0 left as they are.",
    ]


@pytest.mark.usefixtures("authority")
def test_whoever_has_no_password_sets_one_by_mail(tmp_path: Path, client: Client) -> None:
    said = import_people(tmp_path, TABLE)
    assert "Accounts without a password: 2." in said
    assert "/accounts/password/reset/" in said
    carla = User.objects.get(email="carla@neuhafen.example")
    assert not carla.has_usable_password()

    client.post("/accounts/password/reset/", {"email": carla.email})
    link = re.search(r"https?://[^/\s]+(/accounts/password/reset/key/\S+)", str(mail.outbox[0].body))
    assert link
    page = client.get(link[1], follow=True)
    client.post(page.request["PATH_INFO"], {"password1": PASSWORD, "password2": PASSWORD})

    carla.refresh_from_db()
    assert carla.check_password(PASSWORD)
    assert "Accounts without a password: 1." in import_people(tmp_path, TABLE)


@pytest.mark.usefixtures("authority")
def test_a_second_time_changes_nothing_and_says_so(tmp_path: Path) -> None:
    import_people(tmp_path, TABLE)
    before = held()

    said = import_people(tmp_path, TABLE)

    assert held() == before
    assert "Roles: 0 added, 0 changed, 3 left as they are." in said
    assert "Nothing was changed" in said


@pytest.mark.usefixtures("authority")
def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    said = import_people(tmp_path, TABLE, dry_run=True)

    assert "Accounts: 2 added" in said
    assert "nothing was changed" in said
    assert nobody()


def test_who_is_there_keeps_name_password_and_other_roles(tmp_path: Path, authority: Authority) -> None:
    carla = User.objects.create_user("carla@neuhafen.example", PASSWORD, name="Dr. Carla Neu")
    people.grant(user=carla, role=Role.AUDITOR, scope_id=authority.pk)

    said = import_people(tmp_path, TABLE)

    carla = User.objects.get(pk=carla.pk)
    assert (carla.name, carla.check_password(PASSWORD)) == ("Dr. Carla Neu", True)
    assert Role.AUDITOR in carla.access.roles()
    assert "Accounts: 1 added, 0 changed, 1 left as they are." in said
    assert "Accounts without a password: 1." in said


def test_a_role_for_a_time_keeps_its_end_until_it_is_over(tmp_path: Path, authority: Authority) -> None:
    theo = User.objects.create_user("theo@neuhafen.example", name="Theo Neu")
    soon, past = timezone.now() + timedelta(days=1), timezone.now() - timedelta(days=1)
    row = people.grant(user=theo, role=Role.TECHNICIAN, scope_id=authority.pk, expires_at=soon)

    import_people(tmp_path, TABLE)
    row.refresh_from_db()
    assert row.expires_at == soon

    people.grant(user=theo, role=Role.TECHNICIAN, scope_id=authority.pk, expires_at=past)
    assert "Roles: 1 added, 0 changed, 2 left" in import_people(tmp_path, TABLE)
    row.refresh_from_db()
    assert row.expires_at is None


@pytest.mark.usefixtures("authority")
@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("Nora;nora;auditor;", "Line 2, email: Enter a valid email address."),
        ("Nora;nora@neuhafen.example;king;", 'Line 2, role: "king" is none. A role is one of coordinator, technician'),
        ("Nora;nora@neuhafen.example;;", "Line 2, role: This is missing."),
        ("Nora;nora@neuhafen.example;auditor;Schloss", 'Line 2, school: Stadt Neuhafen has no school "Schloss".'),
        (";nora@neuhafen.example;auditor;", "Line 2, name: This field cannot be blank."),
        (f"{'x' * 10_000};nora@neuhafen.example;auditor;", "Line 2, name: Ensure this value has at most 200 characters"),
        (
            "Nora;nora@neuhafen.example;auditor;\nN. Neu;nora@neuhafen.example;security;",
            'Line 3, name: "N. Neu" contradicts line 2: "Nora".',
        ),
    ],
)
def test_one_mistake_and_nothing_is_written(tmp_path: Path, row: str, says: str) -> None:
    with pytest.raises(CommandError) as refused:
        import_people(tmp_path, f"{HEADING}\n{row}\nGerd Gut;gerd@neuhafen.example;auditor;\n")

    assert refused.value.returncode == 1
    assert str(refused.value).startswith(f"Nothing was changed.\n{says}")
    assert nobody()


@pytest.mark.usefixtures("authority")
def test_no_role_at_a_school_of_another_authority(tmp_path: Path, other: Authority) -> None:
    sites.create_site(authority=other, details=sites.SiteDetails(Site.Kind.SCHOOL, "Altschule", "alt"))

    with pytest.raises(CommandError, match='has no school "Altschule"'):
        import_people(tmp_path, f"{HEADING}\nNora;nora@neuhafen.example;coordinator;Altschule\n")


@pytest.mark.usefixtures("authority")
def test_no_role_for_people_of_another_authority(tmp_path: Path, other: Authority) -> None:
    carla = User.objects.create_user("carla@neuhafen.example", name="Carla Alt")
    people.grant(user=carla, role=Role.AUDITOR, scope_id=other.pk)
    before = held()

    with pytest.raises(CommandError, match=r"Line 2, email: .* belongs to another authority"):
        import_people(tmp_path, TABLE)

    assert held() == before


@pytest.mark.usefixtures("authority")
def test_who_has_left_gets_no_role(tmp_path: Path) -> None:
    User.objects.create_user("theo@neuhafen.example", name="Theo Neu", is_active=False)

    with pytest.raises(CommandError, match=r'Line 4, email: "theo@neuhafen.example" has left'):
        import_people(tmp_path, TABLE)


def _closed(site: Site) -> None:
    sites.close_site(site=site, at=timezone.now(), by=User.objects.create_user("olga@neuhafen.example", name="Olga"))


@pytest.mark.parametrize("school", ["Kita Möwe", "kita"])
def test_no_role_at_a_school_that_is_closed(tmp_path: Path, authority: Authority, school: str) -> None:
    _closed(Site.objects.get(authority=authority, slug="kita"))

    with pytest.raises(CommandError, match=f'Line 2, school: "{school}" is closed. Open it again first.'):
        import_people(tmp_path, f"{HEADING}\nNora;nora@neuhafen.example;auditor;{school}\n")

    assert not Grant.objects.exists()


def test_of_one_name_the_school_that_is_open_is_meant(tmp_path: Path, authority: Authority) -> None:
    after = sites.create_site(authority=authority, details=sites.SiteDetails(Site.Kind.SCHOOL, "Kita Möwe", "moewe-2"))
    _closed(Site.objects.get(authority=authority, slug="kita"))

    import_people(tmp_path, f"{HEADING}\nNora;nora@neuhafen.example;auditor;Kita Möwe\n")

    assert Grant.objects.get().scope_id == after.pk


def test_schools_of_one_name_are_told_apart_by_slug(tmp_path: Path, authority: Authority) -> None:
    sites.create_site(authority=authority, details=sites.SiteDetails(Site.Kind.SCHOOL, "Kita Möwe", "moewe-2"))

    with pytest.raises(CommandError, match=r"Line 2, school: Several schools are called .* Write one of kita, moewe-2"):
        import_people(tmp_path, f"{HEADING}\nNora;nora@neuhafen.example;auditor;Kita Möwe\n")
    import_people(tmp_path, f"{HEADING}\nNora;nora@neuhafen.example;auditor;moewe-2\n")

    assert Grant.objects.get().scope_id == Site.objects.get(slug="moewe-2").pk


@pytest.mark.usefixtures("authority")
def test_what_is_there_is_looked_up_at_once(tmp_path: Path) -> None:
    table = "\n".join([HEADING, *(f"P {n};p{n}@neuhafen.example;coordinator;kita" for n in range(60))])
    import_people(tmp_path, table)

    with CaptureQueriesContext(connection) as queries:
        import_people(tmp_path, table)

    assert len(queries) <= 12
