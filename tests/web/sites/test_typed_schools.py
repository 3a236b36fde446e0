"""A school is typed, not chosen, wherever a list is narrowed to one: with two of them, and with three hundred."""

from typing import Any

import pytest
from django.test import Client

from fleet.sites.models import Site
from tests.conftest import City
from tests.web.sites.things import many_schools


def names(answer: Any) -> set[str]:
    return {row["device"].name for row in answer.context["rows"]}


@pytest.mark.parametrize(
    ("query", "at_a", "at_b"),
    [
        ("school=Schule+A", True, False),
        ("school=schule+b", False, True),
        ("school=Schule", True, True),
        ("school=Gymnasium", False, False),
        ("school=%00", True, True),
    ],
)
def test_devices_are_narrowed_by_a_typed_name(query: str, at_a: bool, at_b: bool, theo: Client, city: City) -> None:
    found = names(theo.get(f"/devices/?{query}"))
    assert (city.switch_a.name in found, city.switch_b.name in found) == (at_a, at_b)


def test_links_name_a_school_by_its_number(theo: Client, city: City) -> None:
    page = theo.get(f"/devices/?site={city.school_b.pk}")
    assert names(page) == set(city.school_b.devices.values_list("name", flat=True))
    assert 'value="Schule B"' in page.content.decode()
    assert names(theo.get("/devices/?site=999999999")) == names(theo.get("/devices/"))


def test_whoever_sees_one_school_is_not_asked(alma: Client) -> None:
    assert 'name="school"' not in alma.get("/devices/").content.decode()


PAGES = (
    "/devices/", "/tickets/", "/reports/", "/reports/promises/", "/approvals/", "/drift/", "/compliance/", "/backups/",
    "/maintenance/new/", "/devices/new/", "/changes/new/", "/schedules/new/?playbook=ssid", "/remedies/",
    "/credentials/uses/", "/intent/", "/policy/freezes/new/", "/policy/windows/new/", "/account/webhooks/",
    "/mail/mailboxes/new/",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_no_page_grows_with_the_schools(path: str, ada: Client, city: City) -> None:
    few = len(ada.get(path).content)
    many_schools(city, 300)

    assert len(ada.get(path).content) < few + 500


def test_labels_are_printed_for_a_school_that_is_tapped_or_typed(ada: Client, city: City) -> None:
    many_schools(city, 300)

    every = ada.get("/labels/").content.decode()
    typed = ada.get("/labels/", {"school": "schule a"}).content.decode()

    assert every.count('href="?site=') == 24
    assert "Es gibt weitere" in every
    assert typed.count('href="?site=') == 1
    assert f'href="?site={city.school_a.pk}"' in typed


@pytest.mark.parametrize("path", ["/approvals/", "/drift/", "/compliance/", "/backups/"])
def test_lists_of_changes_and_conditions_take_a_typed_name_and_a_link(path: str, ada: Client, city: City) -> None:
    typed = ada.get(path, {"school": "schule b"})
    linked = ada.get(path, {"site": city.school_b.pk}).content.decode()

    assert typed.context["form"].sites_meant() == [city.school_b.pk]
    assert 'name="school"' in linked
    assert 'value="Schule B"' in linked
    assert "<option value" not in linked.partition('name="school"')[2].partition("</form>")[0].partition("datalist")[0]


def test_backups_and_rules_are_narrowed_to_the_school(ada: Client, city: City) -> None:
    def found(path: str, school: str) -> str:
        return ada.get(path, {"school": school}).content.decode()

    assert "AP-204-B" in found("/backups/", "Schule B")
    assert "AP-204-A" not in found("/backups/", "Schule B")
    assert "AP-204-A" not in found("/compliance/", "Schule B")
    assert "AP-204" not in found("/backups/", "Gymnasium")


def test_schools_of_the_same_name_are_told_apart_by_their_short_names(ada: Client, city: City) -> None:
    Site.objects.filter(pk=city.school_b.pk).update(name="Schule A")

    refused = ada.post("/maintenance/new/", {"school": "Schule A"}).context["form"].errors["school"]
    assert "schule-a, schule-b" in str(refused)
    assert "school" not in ada.post("/maintenance/new/", {"school": "schule-b"}).context["form"].errors
    linked = ada.get("/maintenance/new/", {"site": city.school_b.pk}).context["form"]
    assert linked.initial["school"] == "schule-b"


def test_a_device_is_added_at_a_school_that_is_typed(ada: Client, city: City) -> None:
    there = f"/devices/new/?site={city.school_b.pk}"
    assert ada.get("/devices/new/", {"school": "schule b"}).headers["Location"] == there
    assert ada.get("/devices/new/", {"school": "Schule"}).status_code == 422
    Site.objects.filter(pk=city.school_a.pk).update(closed_at="2026-01-01T00:00:00Z")
    assert ada.get("/devices/new/").headers["Location"] == there
