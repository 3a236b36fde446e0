"""Files over the API: the rules of the page, limits while they arrive, and each once."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from helpdesk.tickets import services
from helpdesk.tickets.models import Article, Attachment, Ticket
from helpdesk.tickets.services.attachments import sweep
from tests.conftest import City, bearer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _files_of_their_own(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"


@pytest.fixture
def ticket(city: City) -> Ticket:
    opening = services.Opening(site=city.school_a, subject="Drucker", body="Klemmt.", requester=city.coordinator_a)
    return services.open_ticket(opening=opening)


@pytest.fixture
def article(ticket: Ticket) -> Article:
    return ticket.articles.get()


def upload(city: City, article: Article, *files: tuple[str, bytes], who: Any = None, **headers: str) -> Any:
    sent = [SimpleUploadedFile(name, content, "image/svg+xml") for name, content in files]
    url = f"/api/v1/tickets/{article.ticket.number}/articles/{article.pk}/attachments"
    return Client().post(url, {"files": sent} if sent else {}, headers=bearer(who or city.coordinator_a) | headers)


def test_what_one_has_written_gets_its_picture_once(city: City, article: Article, ticket: Ticket) -> None:
    answers = [upload(city, article, ("../../bild.svg", b"<svg onload=alert(1)>"), ("b.txt", b"zwei")) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert [row["id"] for row in answers[0].json()] == [row["id"] for row in answers[1].json()]
    assert list(Attachment.objects.values_list("name", "size")) == [("bild.svg", 21), ("b.txt", 4)]
    ticket.refresh_from_db()
    assert ticket.version == 2
    read = Client().get(f"/api/v1/tickets/{ticket.number}", headers=bearer(city.coordinator_b))
    assert read.status_code == 404


def test_it_is_listed_and_downloaded_as_on_the_page(city: City, article: Article, ticket: Ticket) -> None:
    upload(city, article, ("bild.svg", b"<svg onload=alert(1)>"))
    headers = bearer(city.technician)

    (row,) = Client().get(f"/api/v1/tickets/{ticket.number}/attachments", headers=headers).json()["results"]
    detail = Client().get(f"/api/v1/tickets/{ticket.number}", headers=headers).json()
    answer = Client().get(row["url"], headers=headers)

    assert detail["articles"][0]["attachments"] == [row]
    assert (row["name"], row["size"], len(row["sha256"])) == ("bild.svg", 21, 64)
    assert b"".join(answer.streaming_content) == b"<svg onload=alert(1)>"  # type: ignore[attr-defined]
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"


def test_another_schools_and_an_internal_notes_file_are_not_there(city: City, ticket: Ticket) -> None:
    note = services.reply(ticket=ticket, said=services.Reply(city.technician, "Geheim.", internal=True))
    (row,) = upload(city, note, ("geheim.txt", b"x"), who=city.technician).json()

    def status(user: Any) -> int:
        answer: Any = Client().get(row["url"], headers=bearer(user))
        if answer.streaming:
            b"".join(answer)  # read to its end, so that the file is closed
        return int(answer.status_code)

    assert [status(city.coordinator_a), status(city.coordinator_b), status(city.technician)] == [404, 404, 200]
    assert "geheim.txt" not in str(
        Client().get(f"/api/v1/tickets/{ticket.number}/attachments", headers=bearer(city.coordinator_a)).json()
    )
    other = services.open_ticket(opening=services.Opening(site=city.school_a, subject="Anderes"))
    crossed = row["url"].replace(ticket.number, other.number)
    assert Client().get(crossed, headers=bearer(city.technician)).status_code == 404


def test_files_are_added_by_the_author_while_it_is_open(city: City, article: Article, ticket: Ticket) -> None:
    assert upload(city, article, ("a", b"1"), who=city.technician).status_code == 403
    assert upload(city, article, ("a", b"1"), who=city.coordinator_b).status_code == 404
    assert upload(city, article).status_code == 422
    Ticket.objects.filter(pk=ticket.pk).update(state="closed")
    assert upload(city, article, ("a", b"1")).status_code == 403
    assert not Attachment.objects.exists()


def test_what_is_too_much_is_413_and_nothing_is_kept(
    city: City, article: Article, settings: Settings, tmp_path: Path
) -> None:
    settings.FILE_BYTES, settings.FILES_BYTES, settings.FILES_PER_ARTICLE = 100_000, 150_000, 2
    assert upload(city, article, ("gut.txt", b"g" * 90_000)).status_code == 201

    too_large = upload(city, article, ("film.mp4", b"f" * 300_000))
    too_many = upload(city, article, ("a", b"1"), ("b", b"2"))
    together = upload(city, article, ("c.txt", b"c" * 90_000))

    assert [answer.status_code for answer in (too_large, too_many, together)] == [413, 413, 413]
    assert "2 " in together.json()["detail"]
    sweep(now=timezone.now() + timedelta(hours=2))
    kept = [path for path in (tmp_path / "files").rglob("*") if path.is_file()]
    assert [path.stat().st_size for path in kept] == [90_000]


def test_a_stale_upload_is_refused(city: City, article: Article, ticket: Ticket) -> None:
    services.reply(ticket=ticket, said=services.Reply(city.technician, "Dazwischen."))

    assert upload(city, article, ("a", b"1"), **{"If-Match": '"1"'}).status_code == 412
    assert upload(city, article, ("a", b"1"), **{"If-Match": '"2"'}).status_code == 201
