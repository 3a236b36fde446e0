"""A report that was begun is there again: for the person alone, until it is sent or thrown away."""

from importlib import import_module

import pytest
from django.apps import apps
from django.test import Client

from helpdesk.knowledge import services as knowledge
from helpdesk.knowledge.models import Article
from helpdesk.portal.models import Draft
from helpdesk.portal.services import drafts
from helpdesk.tickets.models import Ticket
from tests.conftest import City
from tests.web.portal.test_pages import answers, text

pytestmark = pytest.mark.django_db
TAKE_FROM_ANSWERS = import_module("helpdesk.portal.migrations.0002_drafts_by_token").take_from_answers


def test_what_was_begun_is_there_again_on_any_device(alma: Client, city: City) -> None:
    wish = answers(alma, city, room=str(city.room_a.pk), device=str(city.printer_a.pk), body="Zieht nicht")

    kept = alma.post("/report/draft/", wish)

    assert "als Entwurf gesichert" in kept.content.decode()
    page = text(alma, "/report/")
    assert "Zieht nicht" in page
    assert f'name="device" value="{city.printer_a.pk}" checked' in page
    assert wish["token"] in page, "sent twice from two devices it is one report"
    assert not Ticket.objects.exists()


def test_a_named_device_is_about_something_else(alma: Client, city: City) -> None:
    alma.post("/report/draft/", answers(alma, city, body="Zieht nicht"))

    assert "Zieht nicht" not in text(alma, f"/report/?device={city.printer_a.pk}")


def test_it_is_gone_once_it_is_sent_or_thrown_away(alma: Client, city: City) -> None:
    for path, more in (("/report/", {}), ("/report/draft/", {"drop": "1"})):
        wish = answers(alma, city, body="Zieht nicht")
        alma.post("/report/draft/", wish)
        assert Draft.objects.count() == 1

        assert alma.post(path, wish | more).status_code == 302

        assert not Draft.objects.exists()


def test_another_report_leaves_it(alma: Client, city: City) -> None:
    begun = answers(alma, city, body="Ein langer Text")
    alma.post("/report/draft/", begun)
    other = answers(alma, city, token="t2", device=str(city.printer_a.pk), trouble="printer")
    alma.post("/report/draft/", other)

    assert alma.post("/report/", other).status_code == 302

    assert Draft.objects.get().token == begun["token"]
    assert "Ein langer Text" in text(alma, "/report/")


@pytest.mark.parametrize(("path", "more"), [("/report/", {}), ("/report/draft/", {"drop": "1"})])
def test_what_was_underway_when_it_ended_is_not_kept(alma: Client, city: City, path: str, more: dict[str, str]) -> None:
    wish = answers(alma, city, body="Zieht nicht")
    alma.post(path, wish | more)

    kept = alma.post("/report/draft/", wish)

    assert kept.status_code == 200
    assert "Entwurf" not in kept.content.decode()
    assert not Draft.objects.exists()


def test_a_draft_of_before_gets_its_token(city: City) -> None:
    Draft.objects.create(user=city.coordinator_a, site=city.school_a, answers={"token": "t1"})

    TAKE_FROM_ANSWERS(apps, None)

    assert Draft.objects.get().token == "t1"


def test_only_some_are_kept_and_the_oldest_goes(alma: Client, city: City) -> None:
    for number in range(drafts.MOST + 1):
        alma.post("/report/draft/", {"site": str(city.school_a.pk), "body": "x", "token": f"t{number}"})

    assert set(Draft.objects.values_list("token", flat=True)) == {f"t{number}" for number in range(1, drafts.MOST + 1)}


def test_it_is_gone_once_an_article_has_helped(alma: Client, bruno: Client, city: City) -> None:
    wish = answers(alma, city, body="Zieht nicht")
    alma.post("/report/draft/", wish)
    words = knowledge.Words("Drucker zieht nicht", "Papier glatt einlegen")
    public = Article.Visibility.PUBLIC
    article = knowledge.write(authority_id=city.authority.pk, words=words, visibility=public, author=city.technician)
    knowledge.publish(article=article)

    bruno.post(f"/knowledge/{article.pk}/helped/", {"token": wish["token"]})
    assert Draft.objects.exists(), "it is another person's"
    alma.post(f"/knowledge/{article.pk}/helped/", {"token": wish["token"]})

    assert not Draft.objects.exists()


def test_a_draft_is_nobody_elses_and_of_no_other_school(alma: Client, bruno: Client, city: City) -> None:
    alma.post("/report/draft/", answers(alma, city, body="Geheim"))

    assert "Geheim" not in text(bruno, "/report/")
    alma.post("/report/draft/", {"site": str(city.school_b.pk), "body": "Fremd"})
    assert not Draft.objects.filter(site=city.school_b).exists()


@pytest.mark.parametrize("said", [{}, {"body": "x" * 20_000}, {"room": "{{ 7 }}", "trouble": "\0"}, {"unknown": "1"}])
def test_a_draft_takes_anything_and_checks_nothing(alma: Client, said: dict[str, str]) -> None:
    assert alma.post("/report/draft/", said).status_code == 200
    assert alma.get("/report/").status_code == 200
