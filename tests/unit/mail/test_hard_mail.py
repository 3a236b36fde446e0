"""Mail as it really comes: wrapped, repeated, mislabelled, endless. What is read of it."""

import base64
import time
from email.message import EmailMessage

import pytest

from helpdesk.mail.rules.parsing import LONGEST_TEXT, MOST_PARTS, parsed
from helpdesk.mail.services.keys import same
from tests.unit.mail.conftest import letter
from tests.unit.mail.test_parsing import tnef

THREAD = "<F2026-000001.0123456789abcdef0123@fleetdesk.example>"
OURS = "<F2026-000001.1.1.0123456789abcdef0123@fleetdesk.example>"


def mail(*head: str, body: str = "x") -> bytes:
    return "\r\n".join(("From: alma@x.example", *head, "", body)).encode()


@pytest.mark.parametrize(
    "head",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-replied; owner-email=a@x.example",
        "Auto-Submitted: AUTO-GENERATED (cron)",
        "Auto-Submitted: (vacation) auto-replied",
        "Auto-Submitted: auto-notified;\r\n seq=1",
        "Auto-Submitted: no\r\nAuto-Submitted: auto-replied",
        "Auto-Submitted: x-own-kind",
        "Precedence: Bulk (newsletter)",
        "Precedence: auto_reply",
        "X-Autorespond: Re",
        "Return-Path: < >",
        "Subject: Out of Office AutoReply: Drucker\r\nIn-Reply-To: <1@x>",
        "Subject: Automatische Antwort: Drucker\r\nIn-Reply-To: <1@x>",
        "Subject: Abwesenheitsnotiz\r\nIn-Reply-To: <1@x>",
        "Subject: Out of office until Monday\r\nReferences: <1@x>",
    ],
)
def test_a_program_wrote_it(head: str) -> None:
    assert parsed(mail(head)).automatic


@pytest.mark.parametrize(
    "head",
    [
        "Auto-Submitted: no",
        "Auto-Submitted: No (I am a person)",
        "Auto-Submitted: (really) no; x=y",
        "Auto-Submitted: ((((",
        "Precedence: normal",
        "Return-Path: <alma@x.example>",
        "Subject: Abwesenheitsassistent in Outlook geht nicht",
        "Subject: Automatische E-Mail-Weiterleitung einrichten",
        "Subject: Automat in der Mensa ist aus\r\nIn-Reply-To: <1@x>",
        "Subject: Out of office printer",
        "Subject: Out of office printer\r\nIn-Reply-To: <1@x>",
        "Subject: Auto-Login am Tablet",
    ],
)
def test_a_person_wrote_it(head: str) -> None:
    assert parsed(mail(head)).automatic == ""


def report(original: str, kind: str = "text/rfc822-headers", edge: str = "r") -> str:
    return "\r\n".join((
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{edge}"', "",
        f"--{edge}", "Content-Type: text/plain", "", "The mailbox is full.",
        f"--{edge}", "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; x", "", "Status: 5.2.2", "",
        f"--{edge}", f"Content-Type: {kind}", "", original, "", f"--{edge}--", "",
    ))  # fmt: skip


LOST = f"Subject: x\r\nMessage-ID:\r\n {OURS}\r\n"
OF_A_REPORT = f"From: postmaster@a.example\r\nMessage-ID: <bounce@a.example>\r\n{report(LOST, edge='q')}"
BEHIND = f"""Content-Type: multipart/mixed; boundary="m"\r\n\r\n--m\r\n{report(LOST)}\r\n--m\r\n\r\nChecked.\r\n--m--"""
IN_WORDS = f"""Content-Type: text/plain\r\n\r\nHi. This is qmail.\r\n\r\n--- Below this line is a copy:\r\n\r\n{LOST}"""
RETURNED = {
    "headers": report(LOST),
    "whole": report(LOST, "message/rfc822"),
    "global headers": report(LOST, "message/global-headers"),
    "global": report(LOST, "message/global"),
    "report of a report": report(OF_A_REPORT, "message/rfc822"),
    "behind a gateway": BEHIND,
    "in words": IN_WORDS,
}


@pytest.mark.parametrize("body", RETURNED.values(), ids=RETURNED.keys())
def test_what_came_back_is_found_however_deep(body: str) -> None:
    read = parsed(f"From: MAILER-DAEMON@relay.example\r\nMIME-Version: 1.0\r\n{body}".encode())

    assert (read.bounce, read.automatic) == (True, "delivery report")
    assert OURS in read.ancestors


def test_a_person_who_attaches_a_report_is_a_person() -> None:
    message = letter("Was heißt das?")
    bounce = EmailMessage()
    bounce["From"], bounce["Message-ID"] = "MAILER-DAEMON@relay.example", "<b@relay.example>"
    bounce.set_content("x")
    message.add_attachment(bounce)

    read = parsed(message.as_bytes())

    assert (read.automatic, read.ancestors) == ("", ())


def test_of_a_long_chain_the_nearest_and_the_eldest_are_known() -> None:
    chain = [f"<{number:0100}@x.example>" for number in range(9_000)]

    found = parsed(mail(f"References: {' '.join(chain)}")).ancestors

    assert (found[0], found[-1], len(found)) == (chain[-1], chain[0], 100)


def test_of_a_long_chain_those_stay_that_look_like_ours() -> None:
    chain = [f"<{number:0100}@x.example>" for number in range(200)]
    forged = [f"<F2026-000001.1.{number}.{'0' * 20}@x.example>" for number in range(200)]

    for between in ([OURS], [THREAD, OURS], [OURS, *forged[:20]], [*forged, OURS]):
        found = parsed(mail(f"References: {' '.join([*chain, *between, *chain[:149:-1], *chain[100:150]])}")).ancestors

        assert (len(found), found[0], found[-1]) == (100, chain[149], chain[0])
        assert [one for one in reversed(between) if one in found] == [one for one in found if one in between]
        assert OURS in found


def test_an_answer_without_brackets() -> None:
    assert parsed(mail("In-Reply-To: 1@x.example")).ancestors == ("<1@x.example>",)


WORDS = "Grüße: C:\\Users\\temp\\neu +49"


@pytest.mark.parametrize(
    ("label", "content"),
    [
        ("utf-8", b"\xef\xbb\xbf" + WORDS.encode()),
        ("iso-8859-1", b"\xef\xbb\xbf" + WORDS.encode()),
        ("", b"\xef\xbb\xbf" + WORDS.encode()),
        ("utf-16", WORDS.encode("utf-16-be")),
        ("utf-16", WORDS.encode("utf-16-le")),
        ("utf-16", b"\xfe\xff" + WORDS.encode("utf-16-be")),
        ("utf-16le", b"\xff\xfe" + WORDS.encode("utf-16-le")),
        ("utf-8", b"\xff\xfe" + WORDS.encode("utf-16-le")),
        ("utf-16", WORDS.encode()),
        ("utf-32", WORDS.encode("utf-32")),
        ("utf-7", WORDS.encode("utf-7")),
        ("unicode-1-1-utf-7", WORDS.encode("utf-7")),
        ("utf-7", WORDS.encode()),
    ],
)
def test_marks_and_orders_of_bytes(label: str, content: bytes) -> None:
    head = f"From: a@x.example\r\nContent-Type: text/plain; charset={label}\r\nContent-Transfer-Encoding: base64\r\n\r\n"

    assert parsed(head.encode() + base64.encodebytes(content)).text == WORDS


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_a_mislabelled_ascii_text_does_not_become_chinese(codec: str) -> None:
    raw = mail(f"Content-Type: text/plain; charset={codec}", body="C:\\Users\\temp\\neu")

    assert parsed(raw).text == "C:\\Users\\temp\\neu"


def parts(count: int, kind: str, size: int = 1) -> bytes:
    one = f"--b\r\nContent-Type: {kind}\r\n\r\n{'x' * size}\r\n"
    return mail('Content-Type: multipart/mixed; boundary="b"', body=one * count + "--b--")


def test_ten_thousand_parts_are_counted_and_not_read() -> None:
    began = time.monotonic()

    read = parsed(parts(10_000, "image/png"))

    assert (len(read.files), read.beyond, read.unreadable) == (100, 9_900, "")
    assert time.monotonic() - began < 15


def test_as_many_texts_are_no_endless_text() -> None:
    read = parsed(parts(MOST_PARTS + 10, "text/plain", 2_000))

    assert len(read.text) < LONGEST_TEXT * 1.1
    assert read.beyond >= 10


def test_a_header_of_a_megabyte_is_read_in_time() -> None:
    began = time.monotonic()
    for value in ("x" * 1_000_000, "=?x?q?" * 160_000, "<" * 1_000_000, "(" * 1_000_000, "a@" * 500_000):
        for name in ("Subject", "From", "References", "To", "Auto-Submitted", "Content-Type", "Message-ID"):
            parsed(f"From: a@x.example\r\n{name}: {value}\r\n\r\nx".encode())

    assert time.monotonic() - began < 60


@pytest.mark.parametrize("name", [b"Gr\xfc\xdfe.pdf", b"plan.pdf"])
def test_names_in_a_winmail_dat(name: bytes) -> None:
    message = letter("x")
    message.add_attachment(tnef(name, b"bits"), maintype="application", subtype="ms-tnef", filename="winmail.dat")

    assert [one.name for one in parsed(message.as_bytes()).files] == [name.decode("cp1252")]


@pytest.mark.parametrize(
    ("subject", "other", "wanted"),
    [
        ("Drucker", "[EXTERN] Drucker", True),
        ("AW: [lehrer-liste] AW: Drucker", "Drucker", True),
        ("Drucker", "Beamer", False),
        ("[Alarm 1]", "[Alarm 2]", False),
        ("[Alarm 1]", "[Alarm 1]", True),
        ("", "", True),
        ("", "Drucker", False),
    ],
)
def test_a_copy_is_known_by_its_subject_whatever_a_gateway_puts_before_it(subject: str, other: str, wanted: bool) -> None:
    read = parsed(mail(f"Subject: {subject}"))

    assert same(read, "alma@x.example", other) is wanted
