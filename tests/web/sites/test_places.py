"""Schools, buildings and rooms on pages: made, changed, closed; by whoever manages them and by nobody else."""

import pytest
from django.db.models import ProtectedError
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.devices.models import Device
from fleet.events.models import Event
from fleet.people import services as people
from fleet.people.models import User
from fleet.people.rules import Action, Role
from fleet.sites import services
from fleet.sites.models import Building, Room, Site
from helpdesk.tickets.models import Ticket
from tests.conftest import City, login
from tests.web.sites.things import many_schools


def school(**changes: str) -> dict[str, str]:
    said = {"kind": "school", "name": "Grundschule am Süden", "slug": "", "street": "Südstraße 1", "postcode": "12345"}
    return said | {"city": "Neuhafen", "federal_state": "NW", "timezone": "Europe/Berlin"} | changes


def room(building: Building, **changes: str) -> dict[str, str]:
    return {"building": str(building.pk), "number": "101", "name": "", "floor": "1", "teaching": "on"} | changes


def events() -> list[str]:
    return list(Event.objects.filter(subject_type__startswith="sites.").order_by("pk").values_list("name", flat=True))


@pytest.fixture
def head(city: City) -> Client:
    """Administers school A alone."""
    user = User.objects.create_user("hella@musterstadt.example", name="Hella")
    people.grant(user=user, role=Role.ADMINISTRATOR, scope_id=city.school_a.pk)
    return login(Client(), user)


@pytest.fixture
def empty(city: City) -> Site:
    """A third school on which nothing hangs, with one building and one person."""
    details = services.SiteDetails(Site.Kind.SCHOOL, "Schule C", "schule-c")
    site = services.create_site(authority=city.authority, details=details)
    services.create_building(site=site, name="Altbau")
    people.grant(user=city.stranger, role=Role.COORDINATOR, scope_id=site.pk)
    return site


class TestSchools:
    def test_one_is_made_with_a_short_name_of_its_own(self, ada: Client) -> None:
        ada.post("/places/new/", school())
        ada.post("/places/new/", school())

        first, second = Site.objects.filter(name="Grundschule am Süden").order_by("pk")
        assert (first.slug, second.slug) == ("grundschule-am-sueden", "grundschule-am-sueden-2")
        assert (first.federal_state, first.city, first.scope.name) == ("NW", "Neuhafen", first.name)
        assert events() == ["site.created", "site.created"]

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"name": ""}, "Dieses Feld ist zwingend erforderlich."),
            ({"slug": "Schule-A"}, "Schule A heißt schon so."),
            ({"slug": "schule süd"}, "Bitte ein gültiges Kürzel"),
            ({"federal_state": "XX"}, "XX"),
            ({"timezone": "Europe/Atlantis"}, "Atlantis"),
            ({"kind": "university"}, "university"),
        ],
    )
    def test_what_makes_no_sense_is_said_and_kept(self, ada: Client, changes: dict[str, str], said: str) -> None:
        answer = ada.post("/places/new/", school(**changes))

        assert answer.status_code == 422
        assert said in answer.content.decode()
        assert "Südstraße 1" in answer.content.decode()
        assert Site.objects.count() == 2

    def test_details_are_changed_and_roles_follow_the_name(self, ada: Client, city: City) -> None:
        site = city.school_a
        ada.post(f"/places/{site.pk}/edit/", school(name="Neue Schule", slug="neu", version=str(site.version)))

        site.refresh_from_db()
        assert (site.name, site.slug, site.federal_state, site.version) == ("Neue Schule", "neu", "NW", 2)
        assert site.scope.__class__.objects.get(pk=site.pk).name == "Neue Schule"
        assert events() == ["site.changed", "calendar.habits-changed"]

    def test_nobody_overwrites_what_they_have_not_seen(self, ada: Client, city: City) -> None:
        site = city.school_a
        ada.post(f"/places/{site.pk}/edit/", school(name="Eins", version="1"))
        late = ada.post(f"/places/{site.pk}/edit/", school(name="Zwei", version="1"))

        assert late.status_code == 422
        assert "inzwischen" in late.content.decode()
        assert Site.objects.get(pk=site.pk).name == "Eins"

    def test_the_list_is_searched_filtered_and_paged(self, ada: Client, city: City) -> None:
        many_schools(city, 300)

        page = ada.get("/places/")
        assert (page.context["page"].paginator.count, len(page.context["page"])) == (302, 50)
        assert [one.name for one in ada.get("/places/?q=schule+a").context["page"]] == ["Schule A"]
        assert not ada.get("/places/?kind=kindergarten").context["page"].object_list
        assert not ada.get("/places/?state=closed").context["page"].object_list
        assert "<html" not in ada.get("/places/?q=a", headers={"HX-Request": "true"}).content.decode()

    def test_counts_of_a_school(self, ada: Client, city: City) -> None:
        services.create_rooms(building=city.building_a, rooms=[services.RoomDetails("1"), services.RoomDetails("2")])
        rows = {one.name: (one.building_count, one.room_count) for one in ada.get("/places/").context["page"]}
        assert rows == {"Schule A": (1, 3), "Schule B": (1, 1)}


class TestClosing:
    def test_what_hangs_on_it_is_shown_and_it_stays_open(self, ada: Client, city: City) -> None:
        page = ada.get(f"/places/{city.school_a.pk}/close/")
        shown = {(one.label, one.count) for one in page.context["hanging"]}
        assert ("Geräte", 3) in shown
        assert f"/devices/?site={city.school_a.pk}" in page.content.decode()

        assert ada.post(f"/places/{city.school_a.pk}/close/").status_code == 409
        assert Site.objects.get(pk=city.school_a.pk).closed_at is None

    def test_open_tickets_keep_it_open(self, ada: Client, city: City, empty: Site) -> None:
        Ticket.objects.create(authority=city.authority, site=empty, number="T-1", subject="WLAN")
        assert ada.post(f"/places/{empty.pk}/close/").status_code == 409

    def test_closed_it_is_looked_at_and_nothing_more(self, ada: Client, city: City, empty: Site) -> None:
        assert "Nora" in ada.get(f"/places/{empty.pk}/close/").content.decode()
        ada.post(f"/places/{empty.pk}/close/")

        empty.refresh_from_db()
        assert empty.closed_at is not None
        assert not city.stranger.grants.current(timezone.now()).exists()
        assert Event.objects.get(name="site.closed").payload == {"name": "Schule C", "roles_ended": 1}
        assert not Site.objects.allowing(city.administrator, Action.REPORT_PROBLEM).filter(pk=empty.pk).exists()
        assert Site.objects.visible_to(city.administrator).filter(pk=empty.pk).exists()
        assert ada.get(f"/places/{empty.pk}/").status_code == 200
        assert "Schule C" not in ada.get("/places/").content.decode()
        assert "Schule C" in ada.get("/places/?state=closed").content.decode()
        assert "Schule C" not in ada.get("/sites/").content.decode()
        for path in (f"/places/{empty.pk}/edit/", f"/places/{empty.pk}/buildings/", f"/devices/new/?site={empty.pk}"):
            assert ada.get(path).status_code == 404
        building = empty.buildings.get()
        assert ada.post(f"/places/buildings/{building.pk}/rooms/", room(building)).status_code == 404

    def test_it_opens_again(self, ada: Client, empty: Site) -> None:
        ada.post(f"/places/{empty.pk}/close/")
        ada.post(f"/places/{empty.pk}/reopen/")
        assert ada.get(f"/places/{empty.pk}/edit/").status_code == 200
        assert Event.objects.filter(name="site.reopened").exists()


class TestBuildingsAndRooms:
    def test_a_building_is_added_renamed_and_removed(self, head: Client, city: City) -> None:
        head.post(f"/places/{city.school_a.pk}/buildings/", {"name": "Anbau"})
        building = Building.objects.get(name="Anbau")
        head.post(f"/places/buildings/{building.pk}/", {"name": "Neubau", "version": "1"})
        assert Building.objects.get(pk=building.pk).name == "Neubau"
        assert head.post(f"/places/{city.school_a.pk}/buildings/", {"name": "Neubau"}).status_code == 422

        head.post(f"/places/buildings/{building.pk}/remove/")
        assert not Building.objects.filter(pk=building.pk).exists()
        assert events() == ["building.created", "building.changed", "building.removed"]

    def test_with_rooms_in_it_a_building_stays(self, head: Client, city: City) -> None:
        page = head.post(f"/places/buildings/{city.building_a.pk}/remove/", follow=True).content.decode()
        assert "Haupthaus bleibt" in page
        assert Building.objects.filter(pk=city.building_a.pk).exists()

    def test_a_room_is_added_changed_moved_and_removed(self, head: Client, city: City) -> None:
        house = city.building_a
        other = services.create_building(site=city.school_a, name="Turnhalle")
        head.post(f"/places/buildings/{house.pk}/rooms/", room(house, name="Musik"))
        made = Room.objects.get(number="101")
        assert (made.name, made.floor, made.teaching, made.site) == ("Musik", 1, True, city.school_a)

        head.post(f"/places/rooms/{made.pk}/", room(other, number="1", teaching="", version="1") | {"teaching": ""})
        made.refresh_from_db()
        assert (made.number, made.building, made.version) == ("1", other, 2)

        head.post(f"/places/rooms/{made.pk}/remove/")
        assert not Room.objects.filter(pk=made.pk).exists()

    def test_the_number_is_there_once_in_a_building(self, head: Client, city: City) -> None:
        answer = head.post(f"/places/buildings/{city.building_a.pk}/rooms/", room(city.building_a, number="204"))
        assert answer.status_code == 422
        assert "schon einen Raum" in answer.content.decode()

    def test_nobody_moves_a_room_to_another_school(self, head: Client, city: City) -> None:
        answer = head.post(f"/places/rooms/{city.room_a.pk}/", room(city.building_b, number="204", version="1"))
        assert answer.status_code == 422
        assert Room.objects.get(pk=city.room_a.pk).building == city.building_a

    def test_several_at_once(self, head: Client, city: City) -> None:
        numbers = {"numbers": "101, 102;103\n 204 ,101", "floor": "1", "teaching": "on"}
        page = head.post(f"/places/buildings/{city.building_a.pk}/rooms/several/", numbers, follow=True).content.decode()

        assert set(city.building_a.rooms.values_list("number", flat=True)) == {"101", "102", "103", "204"}
        assert city.building_a.rooms.get(number="204").name == "Physik"
        assert "3 Räume sind angelegt. 1 war schon da." in page

    @pytest.mark.parametrize("numbers", [" , ;", "x" * 21, ", ".join(map(str, range(301)))])
    def test_a_list_that_is_none(self, head: Client, city: City, numbers: str) -> None:
        answer = head.post(f"/places/buildings/{city.building_a.pk}/rooms/several/", {"numbers": numbers, "floor": "0"})
        assert answer.status_code == 422
        assert city.building_a.rooms.count() == 1

    def test_a_room_with_devices_stays_and_says_which(self, head: Client, city: City) -> None:
        page = head.get(f"/places/rooms/{city.room_a.pk}/")
        assert [(one.label, one.count) for one in page.context["hanging"]] == [("Geräte", 3)]
        said = head.post(f"/places/rooms/{city.room_a.pk}/remove/", follow=True).content.decode()
        assert "bleibt" in said
        assert Room.objects.filter(pk=city.room_a.pk).exists()

    def test_a_retired_device_lets_go_of_its_room(self, head: Client, city: City) -> None:
        city.room_a.devices.update(lifecycle=Device.Lifecycle.RETIRED)
        head.post(f"/places/rooms/{city.room_a.pk}/remove/")
        assert not Room.objects.filter(pk=city.room_a.pk).exists()
        assert Device.objects.get(pk=city.switch_a.pk).room is None

    def test_a_room_of_a_ticket_stays(self, head: Client, city: City) -> None:
        made = services.create_room(building=city.building_a, details=services.RoomDetails("7"))
        Ticket.objects.create(authority=city.authority, site=city.school_a, number="T-1", subject="Beamer", room=made)
        head.post(f"/places/rooms/{made.pk}/remove/")
        assert Room.objects.filter(pk=made.pk).exists()
        with pytest.raises(ProtectedError):
            made.delete()


OF_SCHOOL = ("", "buildings/")
OF_GOVERNMENT = ("edit/", "close/")


class TestWho:
    """School A, seen by each role: its rooms are for whoever manages it, the school itself for whoever manages the city."""

    @pytest.mark.parametrize(
        ("role", "everywhere", "rooms", "government"),
        [
            (Role.COORDINATOR, False, 404, 404),
            (Role.TECHNICIAN, False, 404, 404),
            (Role.APPROVER, True, 404, 404),
            (Role.AUDITOR, True, 404, 404),
            (Role.SECURITY, True, 404, 404),
            (Role.ADMINISTRATOR, False, 200, 404),
            (Role.ADMINISTRATOR, True, 200, 200),
        ],
    )
    def test_role_by_page(self, city: City, role: Role, everywhere: bool, rooms: int, government: int) -> None:
        client = self._client(role, city.authority.pk if everywhere else city.school_a.pk)
        base = f"/places/{city.school_a.pk}/"
        house, number = f"/places/buildings/{city.building_a.pk}/", f"/places/rooms/{city.room_a.pk}/"

        for path in (*(base + one for one in OF_SCHOOL), house, f"{house}rooms/", f"{house}rooms/several/", number):
            assert client.get(path).status_code == rooms, path
        for path in (*(base + one for one in OF_GOVERNMENT), "/places/new/", "/places/tables/"):
            assert client.get(path).status_code == government, path
        assert client.get("/places/").status_code == rooms

    @pytest.mark.parametrize("role", list(Role))
    def test_of_another_school_there_is_nothing(self, city: City, role: Role) -> None:
        client = self._client(role, city.school_a.pk)
        base = f"/places/{city.school_b.pk}/"
        house, number = f"/places/buildings/{city.building_b.pk}/", f"/places/rooms/{city.room_b.pk}/"
        pages = [
            *(base + one for one in (*OF_SCHOOL, *OF_GOVERNMENT)),
            house,
            f"{house}rooms/",
            f"{house}rooms/several/",
            number,
        ]

        for path in pages:
            assert (path, client.get(path).status_code) == (path, 404)
        for path in (*pages, f"{base}reopen/", f"{house}remove/", f"{number}remove/"):
            assert (path, client.post(path, {"name": "x"}).status_code) in {(path, 404), (path, 405)}
        assert "Schule B" not in client.get("/places/").content.decode()

    def _client(self, role: Role, scope_id: int) -> Client:
        user = User.objects.create_user("jemand@musterstadt.example", name="Jemand")
        people.grant(user=user, role=role, scope_id=scope_id)
        return login(Client(), user)


class TestBudgets:
    def test_lists(self, ada: Client, city: City, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
        many_schools(city, 300)
        rooms = [services.RoomDetails(str(n)) for n in range(60)]
        services.create_rooms(building=city.building_a, rooms=rooms)
        for path, most in (("/places/", 7), (f"/places/{city.school_a.pk}/", 7), (f"/places/{city.school_a.pk}/close/", 12)):
            with django_assert_max_num_queries(most):
                assert ada.get(path).status_code == 200


def test_links_lead_there_from_the_site(ada: Client, theo: Client, city: City) -> None:
    path, link = f"/sites/{city.school_a.pk}/", f'href="/places/{city.school_a.pk}/"'
    assert link in ada.get(path).content.decode()
    assert link not in theo.get(path).content.decode()
    assert 'href="/places/"' in ada.get("/").content.decode() or 'href="/places/"' in ada.get("/places/").content.decode()
