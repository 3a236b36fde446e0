"""Groups of sites that workers of their own poll, as administrators make them."""

from django.conf import settings
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from fleet.monitoring.models import GroupedSite, PollGroup
from fleet.people import services as people
from fleet.people.models import ApiToken
from fleet.people.rules import Role
from fleet.sites.models import Site
from tests.conftest import City, bearer, login
from tests.web.sites.things import many_schools


def test_a_group_is_made_named_and_given_sites(ada: Client, city: City) -> None:
    made = ada.post("/sites/poll-groups/", {"name": "Insel", "queue": "insel"})
    group = PollGroup.objects.get()
    assert made.headers["Location"] == f"/sites/poll-groups/{group.pk}/"

    page = ada.get(made.headers["Location"]).content.decode()
    for purpose in ("polling", "asking", "searching"):  # as messages are sent: a worker hears its queue's whole name
        assert f"{settings.QUEUES[purpose]}.insel" in page
    assert "Schule A" not in page
    ada.post(f"/sites/poll-groups/{group.pk}/", {"name": "Nordinsel"})
    ada.post(f"/sites/poll-groups/{group.pk}/", {"school": "schule a"})

    group.refresh_from_db()
    assert (group.name, GroupedSite.objects.get().site) == ("Nordinsel", city.school_a)
    assert "Nordinsel" in ada.get("/sites/poll-groups/").content.decode()
    assert "/sites/poll-groups/" in ada.get("/sites/").content.decode()


def test_what_cannot_be_is_said_and_nothing_typed_is_lost(ada: Client, city: City) -> None:
    PollGroup.objects.create(name="Insel", queue="insel")
    refused = ada.post("/sites/poll-groups/", {"name": "Festland", "queue": "Nicht so"})
    assert (refused.status_code, "Festland" in refused.content.decode()) == (422, True)
    assert ada.post("/sites/poll-groups/", {"name": "Insel", "queue": "anders"}).status_code == 422
    assert PollGroup.objects.count() == 1


def test_a_site_leaves_the_group_it_was_in_and_sites_of_others_stay(ada: Client, city: City) -> None:
    one, other = (PollGroup.objects.create(name=name, queue=name) for name in ("eins", "zwei"))
    GroupedSite.objects.create(site=city.school_a, group=one)
    for name in ("Schule A", "Schule B"):
        ada.post(f"/sites/poll-groups/{other.pk}/", {"school": name})
    assert set(other.sites.values_list("site_id", flat=True)) == {city.school_a.pk, city.school_b.pk}
    ada.post(f"/sites/poll-groups/{one.pk}/", {"remove": city.school_a.pk})
    assert other.sites.count() == 2, "it is not in that group any more"
    ada.post(f"/sites/poll-groups/{other.pk}/", {"remove": city.school_a.pk})
    assert GroupedSite.objects.get().site == city.school_b


def test_whoever_manages_one_site_puts_that_alone_into_groups(client: Client, city: City) -> None:
    group = PollGroup.objects.create(name="Insel", queue="insel")
    GroupedSite.objects.create(site=city.school_b, group=group)
    GroupedSite.objects.create(site=city.school_a, group=group)
    people.grant(user=city.stranger, role=Role.ADMINISTRATOR, scope_id=city.school_a.pk)
    path = f"/sites/poll-groups/{group.pk}/"
    login(client, city.stranger)

    page = client.get(path)
    assert page.context["adding"].initial["school"] == "Schule A"
    assert "Schule B" not in page.content.decode()
    assert client.post(path, {"school": "Schule B"}).status_code == 422
    client.post(path, {"remove": city.school_b.pk})
    assert client.post(path, {"name": "Meine"}).status_code == 422
    left = client.post(path, {"remove": city.school_a.pk}, follow=True)
    assert left.redirect_chain == [("/sites/poll-groups/", 302)], "it is theirs no more"
    assert left.status_code == 200
    assert GroupedSite.objects.get().site == city.school_b
    GroupedSite.objects.create(site=city.school_a, group=group)
    assert client.post(path, {"school": "Schule A"}).status_code == 302
    assert set(group.sites.values_list("site_id", flat=True)) == {city.school_a.pk, city.school_b.pk}


def test_a_large_group_comes_in_pages(
    ada: Client, city: City, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    group = PollGroup.objects.create(name="Insel", queue="insel")
    many_schools(city, 60)
    GroupedSite.objects.bulk_create(GroupedSite(site=site, group=group) for site in Site.objects.all())

    with django_assert_max_num_queries(16):
        page = ada.get(f"/sites/poll-groups/{group.pk}/").content.decode()

    assert page.count('name="remove"') == 50
    assert 'rel="next"' in page


def test_it_is_for_administrators(theo: Client, city: City) -> None:
    group = PollGroup.objects.create(name="Insel", queue="insel")
    for path in ("/sites/poll-groups/", f"/sites/poll-groups/{group.pk}/"):
        assert (theo.get(path).status_code, theo.post(path, {"name": "x", "queue": "x"}).status_code) == (404, 404)
    assert "/sites/poll-groups/" not in theo.get("/sites/").content.decode()


def test_the_list_costs_the_same_however_many_there_are(
    ada: Client, city: City, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for n in range(30):
        PollGroup.objects.create(name=f"Gruppe {n}", queue=f"g{n}")
    with django_assert_max_num_queries(12):
        ada.get("/sites/poll-groups/")


def test_programs_too(client: Client, city: City) -> None:
    asks = {"headers": bearer(city.administrator, ApiToken.Reach.WRITE), "content_type": "application/json"}
    wish = {"name": "Insel", "queue": "insel", "site_ids": [city.school_a.pk]}
    made = client.post("/api/v1/poll-groups", wish, **asks)
    assert (made.status_code, made.json()["site_ids"]) == (201, [city.school_a.pk])

    again = client.post("/api/v1/poll-groups", wish, **asks)
    assert (again.status_code, again.headers["Content-Type"]) == (422, "application/problem+json")
    path = f"/api/v1/poll-groups/{made.json()['id']}"
    assert client.put(path, {"name": "Nord", "site_ids": []}, **asks).json()["site_ids"] == []
    assert [one["name"] for one in client.get("/api/v1/poll-groups", **asks).json()] == ["Nord"]
