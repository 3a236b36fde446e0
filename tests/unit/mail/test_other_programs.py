"""What other programs write in ways of their own: parts that are mails, letters in two ways, bytes that are broken."""

import base64

import pytest

from helpdesk.mail.rules.parsing import parsed

HEAD = b'From: MAILER-DAEMON@mx.example\r\nTo: it@x.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/%s; boundary="b"\r\n\r\n'
DSN = b"Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; a@b\r\nAction: failed\r\nStatus: 5.1.1\r\n"
ONE = "From: a@x.example\r\nMIME-Version: 1.0\r\n"
NAMED = "filename*=utf-8''Gr%C3%B6%C3%9Fe%20%E2%82%AC.pdf"


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
