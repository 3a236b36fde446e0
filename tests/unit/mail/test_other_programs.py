"""What other programs write in ways of their own: parts that are mails, letters in two ways, bytes that are broken."""

import base64
import struct
from email.message import EmailMessage

import pytest
from django.core.mail.message import sanitize_address

from helpdesk.mail.rules.parsing import parsed

HEAD = b'From: MAILER-DAEMON@mx.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/%s; boundary="b"\r\n\r\n'
DSN = b"Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; a@b\r\nAction: failed\r\nStatus: 5.1.1\r\n"
ONE = "From: a@x.example\r\nMIME-Version: 1.0\r\n"
NAMED = "filename*=utf-8''Gr%C3%B6%C3%9Fe%20%E2%82%AC.pdf"


def attribute(level: int, name: int, kind: int, data: bytes) -> bytes:
    """Of a winmail.dat (MS-OXTNEF, 2.1.3)."""
    return bytes([level]) + struct.pack("<HHI", name, kind, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def properties(name: int, data: bytes) -> bytes:
    padded = data + bytes(-len(data) % 4)
    return attribute(1, 0x9003, 6, struct.pack("<IHHII", 1, 0x0102, name, 1, len(data)) + padded)


TNEF = struct.pack("<IH", 0x223E9F78, 1) + attribute(1, 0x9006, 8, struct.pack("<I", 0x10000))
TNEF += attribute(1, 0x9007, 6, struct.pack("<II", 1252, 0))
FILE = attribute(2, 0x9002, 6, bytes(14)) + attribute(2, 0x8010, 1, b"plan.pdf\0") + attribute(2, 0x800F, 6, b"bits")
BODY = attribute(1, 0x800C, 2, "Der Beamer läuft nicht.\0".encode("cp1252"))
HTML = properties(0x1013, "<p>Der <b>Beamer</b> läuft nicht.</p>".encode("cp1252"))
RTF = properties(0x1009, b"\x10\0\0\0\0\0\0\0MELA\0\0\0\0")


def with_winmail(content: bytes, text: str = "") -> bytes:
    message = EmailMessage()
    message["From"] = "a@x.example"
    message.set_content(text)
    message.add_attachment(content, maintype="application", subtype="ms-tnef", filename="winmail.dat")
    return message.as_bytes()


@pytest.mark.parametrize("body", [BODY, HTML])
@pytest.mark.parametrize(("file", "names"), [(b"", ["winmail.dat"]), (FILE, ["plan.pdf"])])
def test_what_stands_only_in_a_winmail_dat_is_read(body: bytes, file: bytes, names: list[str]) -> None:
    found = parsed(with_winmail(TNEF + body + file))

    assert found.text == "Der Beamer läuft nicht."
    assert [one.name for one in found.files] == names


@pytest.mark.parametrize(("text", "names"), [("", ["plan.pdf", "winmail.dat"]), ("Anbei", ["plan.pdf"])])
def test_a_winmail_dat_whose_words_cannot_be_read_stays_where_there_are_no_others(text: str, names: list[str]) -> None:
    found = parsed(with_winmail(TNEF + RTF + FILE, text))

    assert (found.text, [one.name for one in found.files]) == (text, names)


def with_part(head: bytes, body: bytes, kind: bytes = b"mixed") -> bytes:
    return HEAD % kind + b"--b\r\n\r\nhi\r\n--b\r\n" + head + b"\r\n\r\n" + body + b"\r\n--b--\r\n"


@pytest.mark.parametrize("kind", ["delivery-status", "global", "disposition-notification", "news", "partial"])
def test_what_lies_in_a_part_that_is_a_mail_is_in_its_file(kind: str) -> None:
    (file,) = parsed(with_part(b"Content-Type: message/" + kind.encode(), DSN)).files

    assert b"mx.example" in file.content
    assert b"object at" not in file.content


def test_copies_of_a_bounce_hold_the_same_file() -> None:
    raw = with_part(b"Content-Type: message/delivery-status", DSN, b"report")

    (one,), (other,) = (parsed(raw).files for _copy in range(2))

    assert one.content == other.content
    assert b"Final-Recipient: rfc822; a@b" in one.content


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_a_mail_that_is_passed_on_encoded_opens_as_a_mail(encoding: str) -> None:
    inner = b"From: bob@x.example\r\nSubject: Innen\r\n\r\nSieh mal\r\n"
    body = base64.encodebytes(inner) if encoding == "base64" else inner.replace(b"mal", b"=6Dal")

    (file,) = parsed(
        with_part(f"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: {encoding}".encode(), body)
    ).files

    assert file.name == "Innen.eml"
    assert b"Sieh mal" in file.content


@pytest.mark.parametrize("charset", ["utf-8", "latin-1"])
def test_bare_bytes_stand_beside_encoded_words(charset: str) -> None:
    subject = "Störung =?utf-8?q?M=C3=BCller?= größer C:\\user".encode(charset)

    found = parsed(b"From: Gr\xc3\xbcn =?utf-8?q?M=C3=BCller?= <a@x.example>\r\nSubject: " + subject + b"\r\n\r\nx")

    assert found.subject == "Störung Müller größer C:\\user"
    assert found.sender.name == "Grün Müller"


@pytest.mark.parametrize(
    ("label", "text", "broken"),
    [
        ("gb2312", "打印机坏了请帮忙", b"\xff"),
        ("gb18030", "打印机坏了请帮忙", b"\x81"),
        ("euc-kr", "프린터가 고장났어요", b"\xff"),
        ("big5", "印表機壞了", b"\xff"),
        ("windows-1251", "Принтер не печатает", b"\x98"),
        ("windows-1250", "Škoda nejede „ž“", b"\x81"),
        ("windows-1252", "„5 €“ – Drucker", b"\x81"),
    ],
)
def test_one_broken_byte_spoils_only_itself(label: str, text: str, broken: bytes) -> None:
    written = text.encode({"gb2312": "gb18030", "euc-kr": "cp949"}.get(label, label))

    found = parsed(f"{ONE}Content-Type: text/plain; charset={label}\r\n\r\n".encode() + written + b" " + broken)

    assert found.text.startswith(text)


@pytest.mark.parametrize("said", [f'{NAMED}; filename="Gr__e.pdf"', f'filename="Gr__e.pdf"; {NAMED}'])
def test_of_two_names_of_a_file_the_one_with_all_letters_counts(said: str) -> None:
    raw = f"{ONE}Content-Type: application/pdf\r\nContent-Disposition: attachment; {said}\r\n\r\nx"

    assert [one.name for one in parsed(raw.encode()).files] == ["Größe €.pdf"]


@pytest.mark.parametrize(
    ("sender", "address"),
    [
        ("=?utf-8?q?Alma_M=C3=BCller_=3Calma=40x.example=3E?=", "alma@x.example"),
        ("Alma <=?utf-8?q?alma=40x.example?=>", "alma@x.example"),
        ('"alma muster"@x.example', '"alma muster"@x.example'),
    ],
)
def test_a_sender_that_is_written_oddly_is_answered_and_proves_nothing(sender: str, address: str) -> None:
    found = parsed(f"From: {sender}\r\nSubject: s\r\n\r\nx".encode())

    assert (found.unreadable, found.sender.address, found.sender.certain) == ("", address, False)
    assert sanitize_address(address, "utf-8") == address
