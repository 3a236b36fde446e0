"""Mail that is fetched from a real IMAP server, and answers through a real SMTP server."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.utils import timezone
from imapclient import IMAPClient
from pytest_django import Settings

from fleet.events.services import deliver
from helpdesk.mail import imap, services, tasks
from helpdesk.mail.models import IncomingMail, Mailbox
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Article, Ticket
from tests.conftest import City
from tests.integration.mail.conftest import Post
from tests.unit.mail.conftest import letter

pytestmark = pytest.mark.django_db


def put(inbox: IMAPClient, text: str, number: int, **headers: str) -> None:
    inbox.append("INBOX", letter(text, message_id=f"<{number}@alma.example>", headers=headers).as_bytes())


def left_in(inbox: IMAPClient, folder: str) -> int:
    return int(inbox.folder_status(folder, ["MESSAGES"])[b"MESSAGES"])


def test_there_and_back_again(inbox: IMAPClient, smtp: Post, mailbox: Mailbox, city: City) -> None:
    put(inbox, "Pfad C:\\Users\\temp\\neu", 1)
    assert imap.poll(mailbox.pk) == 1
    ticket = Ticket.objects.get()
    tickets.reply(ticket=ticket, said=tickets.Reply(author=city.technician, body="Netzteil?", internal=True))
    tickets.reply(ticket=ticket, said=tickets.Reply(author=city.technician, body="Ist er an?"))
    deliver()
    services.send_due()

    written = [message_from_bytes(one.content, policy=policy.default) for one in smtp.taken]
    answer = next(one for one in written if "Ist er an?" in one.get_content())
    assert answer["References"].split()[-1] == "<1@alma.example>"
    assert not any("Netzteil" in one.get_content() for one in written)

    put(inbox, "Ja.", 2, **{"In-Reply-To": str(answer["Message-ID"])})
    imap.poll(mailbox.pk)

    assert [one.body for one in ticket.articles.filter(channel="mail")] == ["Pfad C:\\Users\\temp\\neu", "Ja."]
    assert (left_in(inbox, "INBOX"), left_in(inbox, "Processed")) == (0, 2)
    mailbox.refresh_from_db()
    assert (mailbox.state, mailbox.error) == ("ok", "")


def test_a_poison_mail_is_set_aside_and_the_next_one_goes_on(
    inbox: IMAPClient, mailbox: Mailbox, settings: Settings
) -> None:
    settings.MAIL_BYTES = 3_000_000
    inbox.append("INBOX", b"\xff\x00 no mail at all")
    inbox.append("INBOX", letter("x", message_id="<2@x>", files=[("a", b"x" * 3_000_000)]).as_bytes())
    put(inbox, "Danach", 3)

    assert imap.poll(mailbox.pk) == 3

    assert sorted(IncomingMail.objects.values_list("outcome", flat=True)) == ["new", "quarantined", "quarantined"]
    assert left_in(inbox, "INBOX") == 0


def test_one_that_takes_too_long_to_read_is_set_aside(inbox: IMAPClient, mailbox: Mailbox, settings: Settings) -> None:
    settings.MAIL_READ_S = 0.001
    put(inbox, "Langsam", 1)

    imap.poll(mailbox.pk)

    assert "longer than" in IncomingMail.objects.get(outcome="quarantined").reason


def test_whoever_dies_between_storing_and_moving_makes_no_second(
    inbox: IMAPClient, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(inbox, "Einmal", 1)
    with monkeypatch.context() as patched:
        patched.setattr(imap, "_put_away", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            imap.poll(mailbox.pk)
    assert left_in(inbox, "INBOX") == 1

    imap.poll(mailbox.pk)

    assert (Article.objects.count(), left_in(inbox, "INBOX")) == (1, 0)


def test_when_the_server_counts_anew_nothing_is_doubled(inbox: IMAPClient, mailbox: Mailbox) -> None:
    Mailbox.objects.filter(pk=mailbox.pk).update(processed_folder="")
    put(inbox, "Einmal", 1)
    imap.poll(mailbox.pk)
    assert imap.poll(mailbox.pk) == 0
    Mailbox.objects.filter(pk=mailbox.pk).update(uidvalidity=1)

    assert imap.poll(mailbox.pk) == 1
    assert Article.objects.count() == 1


def test_a_wrong_password_is_told_and_holds_nobody(imap_port: int, inbox: IMAPClient, mailbox: Mailbox, city: City) -> None:
    wrong = Mailbox.objects.create(
        authority=city.authority, site=city.school_a, address="a@x.example", host="127.0.0.1", port=imap_port,
        security="none", username="it", secret={"password": "planted-wrong"},
    )  # fmt: skip

    assert imap.poll(wrong.pk) == 0

    wrong.refresh_from_db()
    assert wrong.state == "failing"
    assert "planted" not in wrong.error
    assert set(imap.due()) == {mailbox.pk, wrong.pk}


def test_a_silent_server_holds_its_own_mailbox_only(
    inbox: IMAPClient, mailbox: Mailbox, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "TIMEOUT_S", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        slow = Mailbox.objects.create(
            authority=city.authority, site=city.school_a, address="s@x.example", host="127.0.0.1",
            port=silent.getsockname()[1], security="none",
        )  # fmt: skip
        put(inbox, "Schnell", 1)
        waiting = threading.Event()
        thread = threading.Thread(target=lambda: (waiting.set(), imap.tried(slow)))
        thread.start()
        waiting.wait(5)

        assert imap.poll(mailbox.pk) == 1
        assert imap.poll(slow.pk) == 0
        thread.join(10)

    slow.refresh_from_db()
    assert slow.state == "failing"


def test_without_encryption_no_other_machine_is_asked(city: City) -> None:
    far = Mailbox(authority=city.authority, site=city.school_a, address="f@x.example", host="mail.example", security="none")

    assert "only a server on this machine" in imap.tried(far)


def test_two_never_read_the_same_mailbox(inbox: IMAPClient, mailbox: Mailbox) -> None:
    put(inbox, "Einmal", 1)
    Mailbox.objects.filter(pk=mailbox.pk).update(busy_until=timezone.now() + timedelta(minutes=1))

    assert imap.poll(mailbox.pk) == 0
    assert imap.due() == []
    assert {tasks.poll.name, tasks.poll_due.name} == {"helpdesk.mail.poll", "helpdesk.mail.poll_due"}


@pytest.fixture
def impostor(tmp_path: Path) -> Iterator[int]:
    """Speaks TLS with a certificate that it made itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(timezone.now() - timedelta(days=1)).not_valid_after(timezone.now() + timedelta(days=1))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "pem").write_bytes(private + made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pem")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_greet, args=(listening, context))
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)


def _greet(listening: socket.socket, context: ssl.SSLContext) -> None:
    with contextlib.suppress(OSError), listening.accept()[0] as raw, context.wrap_socket(raw, server_side=True) as line:
        line.sendall(b"* OK ready\r\n")


def test_a_certificate_that_nobody_vouches_for_gets_no_password(impostor: int, city: City) -> None:
    mailbox = Mailbox(
        authority=city.authority, site=city.school_a, address="f@x.example", host="localhost", port=impostor,
        secret={"password": "planted-mail-password"},
    )  # fmt: skip

    assert "certificate verify failed" in imap.tried(mailbox).lower()


def test_the_address_that_was_looked_at_is_asked(impostor: int, city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads elsewhere a moment later leads nowhere; the certificate has to be for the name all the same."""
    real = socket.getaddrinfo
    looks: list[str] = []

    def once(host: str, *more: Any, **named: Any) -> Any:
        looks.append(host)
        return real("127.0.0.1" if len(looks) == 1 else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", once)
    mailbox = Mailbox(
        authority=city.authority, site=city.school_a, address="f@x.example", host="rebound.example", port=impostor
    )

    assert "certificate verify failed" in imap.tried(mailbox).lower()
    assert looks[0] == "rebound.example"
    assert set(looks[1:]) <= {"127.0.0.1"}


@pytest.mark.parametrize("host", ["169.254.169.254", "0.0.0.0", "224.0.0.1"])
def test_what_is_no_mail_server_is_not_asked(host: str, city: City) -> None:
    mailbox = Mailbox(authority=city.authority, site=city.school_a, address="f@x.example", host=host)

    assert imap.tried(mailbox) == "at this address is no mail server"
