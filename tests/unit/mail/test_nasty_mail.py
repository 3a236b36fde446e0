"""Mail as the worst of senders write it: each comes in, says what it can say, and puts nothing into what we send."""

import base64
import json
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from django.core import mail as outbox

from helpdesk.mail.models import IncomingMail, OutgoingMail
from helpdesk.mail.services.sending import send_due
from helpdesk.tickets.models import Article, Attachment, Ticket
from tests.conftest import City
from tests.unit.mail.conftest import Post, letter

pytestmark = pytest.mark.django_db
HEAD = "From: Alma <alma@musterstadt.example>\r\nTo: it@musterstadt.example\r\nMessage-ID: <n@x.example>\r\n"


def raw(head: str, body: bytes | str = "Der Drucker druckt nicht.\r\n", first: str = HEAD) -> bytes:
    return f"{first}{head}MIME-Version: 1.0\r\n".encode("utf-8", "surrogateescape") + (
        body if isinstance(body, bytes) else b"\r\n" + body.encode()
    )


def word(text: bytes, charset: str = "utf-8") -> str:
    return f"=?{charset}?b?{base64.b64encode(text).decode()}?="


def multipart(*parts: bytes, kind: str = "mixed") -> bytes:
    inner = b"".join(b"--e\r\n" + one + b"\r\n" for one in parts)
    return f'Content-Type: multipart/{kind}; boundary="e"\r\n\r\n'.encode() + inner + b"--e--\r\n"


def part(head: str, body: bytes) -> bytes:
    return head.encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


TEXT = part("Content-Type: text/plain; charset=utf-8", "Anbei die Datei für Sie.".encode())
WITHIN = base64.b64encode(b"Subject: i\r\n\r\ni")
NASTY: dict[str, bytes] = {
    "ten thousand recipients": raw(
        "Subject: Rundmail\r\nCc: " + ",\r\n ".join(f"P {n} <p{n}@x.example>" for n in range(10_000)) + "\r\n"
    ),
    "a line break in the subject": raw(f"Subject: {word(b'Drucker' + bytes([13, 10]) + b'Bcc: victim@x.example')}\r\n"),
    "a line break in the name": raw(
        "Subject: x\r\n",
        first=f"From: {word(b'A' + bytes([13, 10]) + b'Bcc: victim@x.example')} <egon@anderswo.example>\r\n",
    ),
    "nul everywhere": raw(
        f"Subject: {word(b'a' + bytes(1) + b'b')}\r\nIn-Reply-To: <a\0b@x>\r\n",
        multipart(
            part("Content-Type: text/plain", b"eins\0zwei"),
            part("Content-Type: text/html", b"<p>eins\0zwei</p>"),
            part('Content-Type: a/b; name="a\0b.txt"\r\nContent-Disposition: attachment; filename="a\0b.txt"', b"\0"),
        ),
    ),
    "words that are no words": raw(
        "Subject: =?utf-8?b?!!!!?= =?x-none?q?=FF=FE?= =?utf-8?q?=F0=9F?= =?=?utf-8?q?ok?=?= =?utf-8*de?b?w7w=?=\r\n"
    ),
    "a charset that lies": raw(
        "Subject: x\r\nContent-Type: text/plain; charset=utf-16\r\n",
        b"\r\nDas ist kein UTF-16, was hier f\xfcr Sie steht.\r\n",
    ),
    "a charset that is a path": raw('Subject: x\r\nContent-Type: text/plain; charset="../../etc/passwd"\r\n', b"\r\nHallo"),
    "base64 that is none": raw(
        "Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n", b"\r\n%%%SGFsbG8="
    ),
    "a boundary that never comes": raw("Subject: x\r\nContent-Type: multipart/mixed; boundary=nie\r\n", b"\r\nHallo\r\n"),
    "a boundary that is empty": raw('Subject: x\r\nContent-Type: multipart/mixed; boundary=""\r\n', b"\r\nHallo\r\n"),
    "no boundary": raw("Subject: x\r\nContent-Type: multipart/mixed\r\n", b"\r\nHallo\r\n"),
    "a type that is no type": raw('Subject: x\r\nContent-Type: ;;;="\r\nContent-Disposition: ===\r\n', b"\r\nHallo\r\n"),
    "signed": raw(
        "Subject: Signiert\r\n",
        multipart(
            TEXT,
            part(
                'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\nContent-Transfer-Encoding: base64', b"MIAG"
            ),
            kind='signed; protocol="application/pkcs7-signature"; micalg=sha-256',
        ),
    ),
    "sealed": raw(
        "Subject: Verschl\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\n"
        "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=smime.p7m\r\n",
        b"\r\nMIAGCSqGSIb3DQEHA6CAMIACAQAxgg==\r\n",
    ),
    "a winmail.dat cut off": raw(
        "Subject: x\r\n",
        multipart(TEXT, part("Content-Type: application/ms-tnef; name=winmail.dat", b"\x78\x9f\x3e\x22\0\0\1\x06\x90\x08")),
    ),
    "half a surrogate": raw(
        "Subject: a\udcff\udcfe\r\n", b"Content-Type: text/plain; charset=utf-8\r\n\r\n\xed\xa0\x80 \xff"
    ),
    "dates and numbers of nobody": raw("Subject: x\r\nDate: 99 Foo 99999 99:99\r\nContent-Length: -1\r\n", b"\r\nHallo"),
    "headers after the end": raw("Subject: x\r\n", b"\r\n\r\nSubject: y\r\nFrom: z@x\r\n\r\nHallo"),
    "two of each": raw("Subject: eins\r\nSubject: zwei\r\nFrom: b@x.example\r\nTo: c@x.example\r\nMessage-ID: <o@x>\r\n"),
    "old Macs": raw("Subject: x\r\n").replace(b"\r\n", b"\r"),
    "a mailbox file": b"From alma@musterstadt.example Mon Nov 23 09:00:00 2026\n"
    + raw("Subject: x\r\n").replace(b"\r\n", b"\n"),
    "right to left": raw(
        "Subject: =?utf-8?q?Rechnung_=E2=80=AEfdp.exe?=\r\n",
        multipart(
            TEXT, part("Content-Type: a/b\r\nContent-Disposition: attachment; filename*=utf-8''a%E2%80%AEfdp.exe", b"x")
        ),
    ),
    "rfc822 in rfc822": raw(
        "Subject: WG: x\r\n",
        multipart(TEXT, part("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64", WITHIN)),
    ),
}


@pytest.mark.parametrize("content", NASTY.values(), ids=NASTY.keys())
def test_it_comes_in_and_nothing_of_it_stands_in_what_we_send(content: bytes, post: Post, city: City) -> None:
    result = post(raw=content)

    assert result.outcome in {"new", "quarantined"}
    assert IncomingMail.objects.get().outcome == result.outcome
    json.dumps(vars(result))
    if result.outcome == "new":
        _is_shown(Ticket.objects.get())
    send_due()
    for one in outbox.outbox:
        sent = message_from_bytes(one.message().as_bytes(), policy=default)
        assert sent["Bcc"] is None
        assert "victim" not in str(sent["To"])
        assert one.recipients() in (["alma@musterstadt.example"], ["egon@anderswo.example"], ["b@x.example"])
    assert not OutgoingMail.objects.exclude(sent_at=None).filter(attempts__gt=1).exists()


def _is_shown(ticket: Ticket) -> None:
    texts = [
        ticket.subject,
        *Article.objects.values_list("body", flat=True),
        *Attachment.objects.values_list("name", flat=True),
    ]
    for text in texts:
        assert "\0" not in text
        text.encode()
    for line in (ticket.subject, *Attachment.objects.values_list("name", flat=True)):
        assert line.splitlines() in ([line], [])
        assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") & set(line), "it would be read backwards"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a charset that lies", "Das ist kein UTF-16, was hier für Sie steht."),
        ("base64 that is none", "Hallo"),
        ("a boundary that never comes", "Hallo"),
        ("no boundary", "Hallo"),
        ("signed", "Anbei die Datei für Sie."),
        ("old Macs", "Der Drucker druckt nicht."),
        ("a mailbox file", "Der Drucker druckt nicht."),
    ],
)
def test_what_can_be_read_is_read(name: str, said: str, post: Post, city: City) -> None:
    assert post(raw=NASTY[name]).outcome == "new"

    assert said in Article.objects.get().body


def test_what_is_sealed_is_kept_as_a_file(post: Post) -> None:
    post(raw=NASTY["sealed"])

    assert Attachment.objects.get().name == "smime.p7m"


BOUNCES = {
    "Exim": "From: Mail Delivery System <Mailer-Daemon@mx.example>\r\nAuto-Submitted: auto-replied\r\n"
    "X-Failed-Recipients: alma@x.example\r\nSubject: Mail delivery failed\r\n\r\nNo such user",
    "Exim, old": "From: <Mailer-Daemon@mx.example>\r\nSubject: Mail delivery failed\r\n\r\nNo such user",
    "Exchange": "From: Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@x.example>\r\n"
    "Return-Path: <>\r\nSubject: Unzustellbar: Drucker\r\n\r\nDie Nachricht konnte nicht zugestellt werden.",
    "qmail": "From: MAILER-DAEMON@mx.example\r\nSubject: failure notice\r\n\r\nHi. This is the qmail-send program.",
    "Domino": "From: \r\nReturn-Path: <>\r\nSubject: DELIVERY FAILURE: User x not listed\r\n\r\nYour message",
    "vacation": "From: alma@musterstadt.example\r\nAuto-Submitted: auto-replied (vacation)\r\nSubject: Re: x\r\n\r\nWeg",
}


@pytest.mark.parametrize("content", BOUNCES.values(), ids=BOUNCES.keys())
def test_what_machines_answer_is_stored_and_answered_by_nobody(content: str, post: Post) -> None:
    result = post(raw=f"Message-ID: <m@mx.example>\r\nTo: it@musterstadt.example\r\n{content}\r\n".encode())

    assert result.outcome == "stored"
    assert not Ticket.objects.exists()
    assert not OutgoingMail.objects.exists()


def test_two_helpdesks_that_write_to_each_other_come_to_rest(post: Post) -> None:
    """The acknowledgement of another city's Fleetdesk looks as ours does, with another mark against loops."""
    first = post(sender="Stadt B <it@anderstadt.example>")
    theirs: dict[str, Any] = {"Auto-Submitted": "auto-replied", "X-Fleetdesk-Loop": "0123456789abcdef", "Precedence": "bulk"}
    answers = {**theirs, "In-Reply-To": "<1@alma.example>"}

    outcomes = [
        post(
            "Ihre Nachricht ist angekommen.", sender="it@anderstadt.example", message_id=f"<{n}@b>", headers=answers
        ).outcome
        for n in range(3)
    ]

    assert first.outcome == "new"
    assert outcomes == ["stored"] * 3
    assert OutgoingMail.objects.count() == 1
    assert Ticket.objects.count() == 1


def test_a_name_of_a_file_cannot_hide_what_it_is(post: Post) -> None:
    post(raw=letter(files=[("Rechnung\u202efdp.exe", b"x")]).as_bytes())

    assert Attachment.objects.get().name.endswith(".exe")


NOT_STORABLE = [
    "Auto-Submitted: auto-replied \xe9",
    "Auto-Submitted: auto-\x00replied",
    "Precedence: bulk \xe9\x00",
    "Message-ID: <\xe9\x00\xff@x>",
    "In-Reply-To: <\xff\x00\xe9@y>\nReferences: <\xe9@y> \x00",
    "Subject: =?utf-7?Q?+2AA-?= =?utf-16?B?2AA=?= \xe9\x00 =?x-unknown?Q?=C3=A4?=",
    "X-Loop: \xe9\x00\xff\nList-Id: \xff\x00",
    "Sender: \xe9\x00 <x\xe9@x.example>\nReturn-Path: <\x00\xff>",
    "Date: \xff\x00\xe9\nX-Auto-Response-Suppress: \xe9\x00",
    "Content-Type: text/plain; charset=\"\xe9\x00\"; name*=utf-8''%00%ff",
    'Content-Type: multipart/mixed; boundary="\xe9\x00"',
    'Content-Type: application/x\x00\xe9; name="\xff\x00.exe"\nContent-Disposition: attachment; filename="\x00\xe9"',
    "Content-Transfer-Encoding: \xe9\x00",
    'Content-Type: =?utf-16?B?2AA=?= text/html; charset=utf-7 (\x00 "',
    "Content-Type: base64 (\x00 \xe9 multipart/report; report-type=\xe9",
]  # fmt: skip


def not_storable(head: str) -> bytes:
    sides = "From: Alma \xe9\x00 <alma@musterstadt.example>\nTo: \xff\x00 <it@musterstadt.example>"
    return f"{sides}\n{head}\n\nHallo {head[:9]}\n".encode("latin-1")


@pytest.mark.parametrize("number", range(len(NOT_STORABLE)))
def test_bytes_that_no_database_takes_spoil_nothing(number: int, post: Post) -> None:
    assert post(raw=not_storable(NOT_STORABLE[number])).outcome == ("stored" if number < 2 else "new")
