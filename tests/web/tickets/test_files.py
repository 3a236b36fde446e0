"""Files of tickets are saved, never run, and given to nobody else; formatted mail is shown without what it could do."""

import io
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from fleet.people.rules import Role
from fleet.people.services import grant
from fleet.web.formatted import sanitised
from fleet.web.uploads import refused
from helpdesk.tickets import services
from helpdesk.tickets.models import Article, Attachment, Ticket
from helpdesk.tickets.services.attachments import attach, keep, remove, sweep
from tests.conftest import City, login

pytestmark = pytest.mark.django_db
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
HTML = b"<script>alert(1)</script>"
POLYGLOT = b"\x89PNG\r\n\x1a\n<html><script>alert(1)</script>%PDF-1.4"


@pytest.fixture(autouse=True)
def _files_of_their_own(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"


@pytest.fixture
def ticket(city: City) -> Ticket:
    opening = services.Opening(site=city.school_a, subject="Drucker", requester=city.coordinator_a)
    return services.open_ticket(opening=opening)


def file_of(ticket: Ticket, name: str, content: bytes, content_type: str = "", *, internal: bool = False) -> Attachment:
    article = services.add_article(ticket=ticket, contribution=services.Contribution(body="x", internal=internal))
    (row,) = attach(article=article, files=[keep(source=io.BytesIO(content), name=name, content_type=content_type)])
    return row


@pytest.mark.parametrize(
    ("name", "content", "content_type"),
    [
        ("bild.svg", SVG, "image/svg+xml"),
        ("seite.html", HTML, "text/html"),
        ("bild.png", POLYGLOT, "image/png"),
        ('"><svg onload=alert(1)>', b"x", "text/html"),
        ("Grüße 😀.pdf", b"x", "application/pdf"),
        ("a\r\nSet-Cookie: x=1", b"x", "text/html"),
    ],
)
def test_whatever_it_is_it_is_saved_and_never_run(
    name: str, content: bytes, content_type: str, alma: Client, ticket: Ticket
) -> None:
    row = file_of(ticket, name, content, content_type)

    answer = alma.get(f"/attachments/{row.pk}/")

    assert answer.status_code == 200
    assert answer.getvalue() == content
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "\n" not in answer.headers["Content-Disposition"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    page = alma.get(f"/tickets/{ticket.number}/").content.decode()
    assert f'href="/attachments/{row.pk}/" download' in page
    assert "<svg onload" not in page


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Plan.PDF", "Plan.PDF (PDF, 2,0 KB)"),
        ("Foto.jpeg", "Foto.jpeg (Bild (JPEG), 2,0 KB)"),
        ("Liste.xlsx", "Liste.xlsx (Tabelle (XLSX), 2,0 KB)"),
        ("Rechnung.pdf.exe", "Rechnung.pdf.exe (Programm (EXE), 2,0 KB)"),
        ("smime.p7m", "smime.p7m (verschlüsselte Mail (P7M), 2,0 KB)"),
        ("LIESMICH", "LIESMICH (Datei unbekannter Art, 2,0 KB)"),
        ("a.abcdefgh", "a.abcdefgh (Datei unbekannter Art, 2,0 KB)"),
    ],
)
def test_a_file_says_its_name_kind_and_size(name: str, said: str, alma: Client, ticket: Ticket) -> None:
    row = file_of(ticket, name, b"x" * 2048)

    page = alma.get(f"/tickets/{ticket.number}/").content.decode()

    (link,) = re.findall(rf'<a href="/attachments/{row.pk}/" download="{re.escape(name)}">(.*?)</a>', page)
    assert re.sub(r"<[^>]+>", "", link).replace("\xa0", " ") == said
    assert 'aria-label="Beigefügte Dateien"' in page


def test_another_schools_file_is_not_there_and_strangers_log_in(
    alma: Client, bruno: Client, anonymous: Client, ticket: Ticket
) -> None:
    path = f"/attachments/{file_of(ticket, 'a.txt', b'x').pk}/"

    assert bruno.get(path).status_code == 404
    assert anonymous.get(path).headers["Location"].startswith("/accounts/login/")
    assert [alma.post(path).status_code, alma.get("/attachments/999999/").status_code] == [405, 404]


def test_an_internal_notes_file_is_for_those_who_work_here(alma: Client, theo: Client, ticket: Ticket) -> None:
    path = f"/attachments/{file_of(ticket, 'geheim.txt', b'x', internal=True).pk}/"

    assert alma.get(path).status_code == 404
    assert theo.get(path).getvalue() == b"x"
    assert "geheim.txt" not in alma.get(f"/tickets/{ticket.number}/").content.decode()


def test_whoever_works_elsewhere_does_not_read_it_here(ticket: Ticket, city: City) -> None:
    """A technician of school B who coordinates school A."""
    grant(user=city.stranger, role=Role.TECHNICIAN, scope_id=city.school_b.pk)
    grant(user=city.stranger, role=Role.COORDINATOR, scope_id=city.school_a.pk)

    path = f"/attachments/{file_of(ticket, 'geheim.txt', b'x', internal=True).pk}/"

    assert login(Client(), city.stranger).get(path).status_code == 404


def reply(client: Client, ticket: Ticket, *files: SimpleUploadedFile, **more: str) -> int:
    form = client.get(f"/tickets/{ticket.number}/").context["reply_form"].initial
    data = {**form, "body": "Bild anbei", **more, "attachments": list(files)}
    return client.post(f"/tickets/{ticket.number}/reply/", data).status_code


def test_files_are_sent_with_a_reply_and_once(alma: Client, ticket: Ticket) -> None:
    for _ in range(2):
        files = [SimpleUploadedFile("../../etc/passwd", b"eins"), SimpleUploadedFile("b.png", b"zwei")]
        assert reply(alma, ticket, *files, token="same", body="Bild") == 302

    assert list(Attachment.objects.values_list("name", "size")) == [("passwd", 4), ("b.png", 4)]
    assert all(Path(row.file.path).name == row.digest for row in Attachment.objects.all())


def test_one_that_is_too_large_is_told_and_the_text_is_kept(alma: Client, ticket: Ticket, settings: Settings) -> None:
    settings.FILE_BYTES = 100_000

    form = alma.get(f"/tickets/{ticket.number}/").context["reply_form"].initial
    data = {**form, "body": "Mein langer Text", "attachments": [SimpleUploadedFile("film.mp4", b"x" * 300_000)]}
    answer = alma.post(f"/tickets/{ticket.number}/reply/", data)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "film.mp4 ist größer als" in page
    assert "Mein langer Text" in page
    assert not Attachment.objects.exists()


def test_all_together_are_counted_while_they_arrive(alma: Client, ticket: Ticket, settings: Settings) -> None:
    settings.FILE_BYTES = settings.FILES_BYTES = 100_000

    def files() -> list[SimpleUploadedFile]:
        return [SimpleUploadedFile(f"{number}.bin", b"x" * 90_000) for number in range(3)]

    assert reply(alma, ticket, *files()) == 422
    assert not Attachment.objects.exists()

    request = RequestFactory().post("/", {"files": files()})
    assert ticket.requester is not None
    request.user = ticket.requester
    assert len(request.FILES.getlist("files")) == 2
    assert refused(request) == ["2.bin"]


def test_of_strangers_no_file_is_kept() -> None:
    request = RequestFactory().post("/", {"files": [SimpleUploadedFile("a.bin", b"x" * 90_000)], "login": "alma"})
    request.user = AnonymousUser()
    assert (request.POST["login"], list(request.FILES)) == ("alma", [])


def test_too_many_are_told(alma: Client, ticket: Ticket, settings: Settings) -> None:
    settings.FILES_PER_ARTICLE = 1

    assert reply(alma, ticket, SimpleUploadedFile("a", b"1"), SimpleUploadedFile("b", b"2")) == 422
    assert not Article.objects.filter(body="Bild anbei").exists()


def test_a_report_has_its_picture(alma: Client, city: City) -> None:
    page = alma.get("/report/")
    data = {"site": city.school_a.pk, "room": city.room_a.pk, "trouble": page.context["form"].troubles[0][0], "token": "t"}

    answer = alma.post("/report/", {**data, "attachments": [SimpleUploadedFile("foto.jpg", b"bits")]})

    assert answer.status_code == 302
    assert Attachment.objects.get().article.ticket.requester == city.coordinator_a


def test_a_file_that_two_articles_have_goes_with_the_second(ticket: Ticket) -> None:
    first, second = file_of(ticket, "a", b"same"), file_of(ticket, "b", b"same")
    path = Path(first.file.path)
    later = timezone.now() + timedelta(hours=2)
    remove(attachments=[first])
    sweep(now=later)
    assert path.exists()

    remove(attachments=[second])
    sweep()
    assert path.exists(), "somebody may be about to attach the same"
    sweep(now=later)

    assert not path.exists()


@pytest.mark.parametrize(
    ("html", "gone"),
    [
        ('<img src="https://spy.example/p.gif" onerror=alert(1)>', "spy.example"),
        ("<script>alert(1)</script>", "alert"),
        ('<a href="javascript:alert(1)">x</a>', "javascript"),
        ('<div style="background:url(https://spy.example)">x</div>', "spy.example"),
        ('<svg onload="alert(1)"><style>x</style></svg>', "onload"),
        ('<iframe src="https://spy.example"></iframe><form action="/x"><input></form>', "spy.example"),
        ('<base href="https://spy.example"><link rel=stylesheet href=x><meta http-equiv=refresh>', "spy.example"),
    ],
)
def test_formatted_mail_can_do_nothing(html: str, gone: str, alma: Client, ticket: Ticket) -> None:
    article = ticket.articles.get()
    Article.objects.filter(pk=article.pk).update(html=f"<p>Text</p>{html}", quoted="Am Montag schrieb Theo", verified=False)

    page = alma.get(f"/tickets/{ticket.number}/formatted/{article.pk}/").content.decode()

    assert "<p>Text</p>" in page
    assert gone not in sanitised(html)
    story = alma.get(f"/tickets/{ticket.number}/").content.decode()
    assert "Formatiert ansehen" in story
    assert "Absender nicht geprüft" in story
    assert "<summary>Frühere Nachrichten</summary>" in story
