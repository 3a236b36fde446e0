"""What is understood of a mail, whoever wrote it and with what; nothing malformed raises."""

import base64
import quopri
import re
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from helpdesk.mail.rules.bodies import split_quoted, text_of_html
from helpdesk.mail.rules.charsets import decoded
from helpdesk.mail.rules.headers import base_address, number, topic, words
from helpdesk.mail.rules.parsing import parsed
from helpdesk.tickets.names import clean_name
from tests.unit.mail.conftest import letter

UMLAUTS = "Grüße aus der Straße: C:\\Users\\temp\\neu"


def raw(content_type: str, encoding: str, body: bytes, **headers: str) -> bytes:
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"From: a@x.example\r\n{more}Content-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + body


CHARSETS = ["utf-8", "iso-8859-1", "iso-8859-15", "windows-1252", "cp850", "utf-16", "utf-7", "macintosh"]


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "8bit"])
def test_every_charset_in_every_transfer_encoding(charset: str, encoding: str) -> None:
    content = UMLAUTS.encode("mac_roman" if charset == "macintosh" else charset)
    if encoding == "base64":
        content = base64.encodebytes(content)
    elif encoding == "quoted-printable":
        content = quopri.encodestring(content)
    elif charset == "utf-16":
        return  # no mail carries it bare: RFC 2045, 2.8

    assert parsed(raw(f'text/plain; charset="{charset}"', encoding, content)).text == UMLAUTS


@pytest.mark.parametrize(
    ("label", "content"),
    [
        ("utf-8", UMLAUTS.encode("cp1252")),
        ("us-ascii", UMLAUTS.encode()),
        ("us-ascii", UMLAUTS.encode("cp1252")),
        ("x-unknown", UMLAUTS.encode()),
        ("unicode_escape", UMLAUTS.encode()),
        ("rot13", UMLAUTS.encode()),
        ("iso-8859-99", UMLAUTS.encode("latin-1")),
        ("", UMLAUTS.encode()),
    ],
)
def test_a_wrong_label_loses_nothing(label: str, content: bytes) -> None:
    assert parsed(raw(f'text/plain; charset="{label}"', "8bit", content)).text == UMLAUTS


def test_windows_signs_in_what_calls_itself_latin_1() -> None:
    assert decoded("„Preis: 5 €“".encode("cp1252"), "iso-8859-1") == "„Preis: 5 €“"


def test_a_broken_byte_spoils_only_itself() -> None:
    assert decoded("Grüße aus Köln: ".encode() + b"\xff", "utf-8") == "Grüße aus Köln: \ufffd"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"])), st.sampled_from(["base64", "quoted-printable"]))
@settings(max_examples=60)
def test_what_was_written_is_read_as_it_was(text: str, encoding: str) -> None:
    message = letter("x")
    message.set_content(f"Anfang {text} Ende", cte=encoding)

    assert parsed(message.as_bytes(policy=SMTP)).text == f"Anfang {text} Ende"


@given(st.binary(max_size=2000))
@settings(max_examples=150)
def test_no_bytes_raise(content: bytes) -> None:
    for head in (b"", b"From: a@x.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n", b"Subject: "):
        read = parsed(head + content)

        assert isinstance(read.unreadable, str)
        (read.text + read.subject + read.html + read.sender.name).encode()
        assert "\0" not in read.text + read.subject + read.message_id + "".join(read.ancestors)


FIELDS = st.sampled_from([
    "From", "To", "Cc", "Subject", "Message-ID", "References", "In-Reply-To", "Content-Type", "Content-Disposition",
    "Content-Transfer-Encoding", "MIME-Version", "Date", "Return-Path", "Auto-Submitted", "Delivered-To",
])  # fmt: skip
VALUES = st.one_of(
    st.text(max_size=80),
    st.sampled_from([
        "multipart/mixed; boundary=b", "text/html; charset=x", "=?utf-8?b?w7w?=", "=?x?q?=ff?=", '"a" <b@c>, <>', "<<>>",
        "attachment; filename*0*=utf-8''%ff; filename*1=x", "message/rfc822", "application/ms-tnef", "base64", "uuencode",
    ]),
)  # fmt: skip


@example([("From", "a@\x1b"), ("Message-ID", "b@\x1b"), ("References", "<c\x1b@d>")], b"")
@given(st.lists(st.tuples(FIELDS, VALUES), max_size=12), st.binary(max_size=300))
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_no_header_raises(fields: list[tuple[str, str]], body: bytes) -> None:
    head = b"".join(f"{name}: {value}\n".encode("utf-8", "surrogateescape") for name, value in fields)

    read = parsed(head + b"\n" + body)

    assert read.unreadable or read.sender.address
    lines = [
        read.message_id,
        read.subject,
        read.date,
        read.sender.name,
        read.sender.address,
        *read.recipients,
        *read.ancestors,
    ]
    for line in lines:
        line.encode()  # PostgreSQL takes no lone surrogates, and no NUL
        assert not re.search(r"[\x00-\x1f\x7f]", line), repr(line)


def test_nested_beyond_reason_is_read_all_the_same() -> None:
    head = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(400))

    assert parsed(f"From: a@x.example\n{head}".encode()).sender.address == "a@x.example"


@pytest.mark.parametrize(
    ("subject", "wanted"),
    [
        ("AW: Drucker", "Drucker"),
        ("Re: AW: WG: Re[2]: Fwd: Drucker", "Drucker"),
        ("Antw: Fw: Drucker", "Drucker"),
        ("RE(3): Drucker", "Drucker"),
        ("Rechner: geht nicht", "Rechner: geht nicht"),
        ("Wg Drucker", "Wg Drucker"),
        ("", ""),
    ],
)
def test_what_mail_programs_put_before_a_subject(subject: str, wanted: str) -> None:
    assert topic(subject) == wanted


@pytest.mark.parametrize(
    ("subject", "wanted"),
    [("AW: [F2026-000123] x", "F2026-000123"), ("f2026-000123", "F2026-000123"), ("XF2026-000123", ""), ("F2026-12", "")],
)
def test_a_number_in_a_subject(subject: str, wanted: str) -> None:
    assert number(subject) == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("=?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?utf-8?B?R3LDvMOf?= =?utf-8?B?ZQ==?=", "Grüße"),
        ("=?iso-8859-1?Q?Gr=FC=DFe?= =?utf-8?Q?_=E2=82=AC?=", "Grüße €"),
        ("=?x-nonsense?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("Gr\udcc3\udcbc\udcc3\udc9fe", "Grüße"),
        ("a\r\n b\tc", "a b c"),
    ],
)
def test_words_of_a_header(value: str, wanted: str) -> None:
    assert words(value) == wanted


def test_a_plus_in_an_address() -> None:
    assert base_address("it+schule-a@x.example") == ("it@x.example", "schule-a")


QUOTES = [
    "Am 23.11.2026 um 10:00 schrieb Theo <t@x>:\n> Ist er an?",
    "Am Montag, 23. November 2026 um 10:00 schrieb Theo\n<theo@musterstadt.example>:\n> Ist er an?",
    "On Mon, 23 Nov 2026 at 10:00, Theo wrote:\n> Is it on?",
    "-----Original Message-----\nFrom: Theo\nIs it on?",
    "-----Ursprüngliche Nachricht-----\nVon: Theo\nIst er an?",
    "Von: Theo <t@x>\nGesendet: Montag, 23. November 2026 10:00\nAn: Alma\nBetreff: Drucker\n\nIst er an?",
    "________________________________\nVon: Theo <t@x>\nIst er an?",
    "> Ist er an?\n> Und das Papier?\n> Danke\n",
]


@pytest.mark.parametrize("quoted", QUOTES)
def test_what_a_mail_repeats_is_folded(quoted: str) -> None:
    assert split_quoted(f"Ja.\n\n{quoted}") == ("Ja.\n\n", quoted)


@pytest.mark.parametrize(
    "text", ["Am Montag war er aus.", "> Ist er an?\nJa.\n> Papier?\nNein.\n", QUOTES[0], "Von: hier\nAn: dort"]
)
def test_what_is_needed_to_understand_it_stays(text: str) -> None:
    assert split_quoted(text) == (text, "")


def test_html_alone_is_read_as_text_and_kept() -> None:
    html = "<style>p{}</style><p>Gr&uuml;&szlig;e</p><ul><li>eins<li>zwei</ul><a href='https://x.example/a'>hier</a><script>x</script>"
    message = letter("x")
    message.set_content(html, subtype="html")

    read = parsed(message.as_bytes())

    assert read.text == "Grüße\n\n- eins\n- zwei\nhier <https://x.example/a>"
    assert read.html.strip() == html


def test_of_two_forms_the_plain_one_is_read_and_text_beside_is_not_lost() -> None:
    both = letter("Klartext")
    both.add_alternative("<b>formatiert</b>", subtype="html")
    listed = EmailMessage()
    listed["From"] = "a@x.example"
    listed.set_content("<b>Wichtig</b>", subtype="html")
    listed.make_mixed()
    footer = EmailMessage()
    footer.set_content("-- Liste")
    listed.attach(footer)

    assert parsed(both.as_bytes()).text == "Klartext"
    assert parsed(listed.as_bytes()).text == "Wichtig\n\n-- Liste"


@pytest.mark.parametrize("broken", ["<p", "<!--", "<![CDATA[", "</", "<a href='", "&#x110000;", "<!x", "<?php"])
def test_broken_html_raises_nothing(broken: str) -> None:
    assert "vorher" in text_of_html(f"<p>vorher</p>{broken}")


@pytest.mark.parametrize(
    ("disposition", "wanted"),
    [
        ("attachment; filename*=utf-8''Gr%C3%BC%C3%9Fe.pdf", "Grüße.pdf"),
        ("attachment; filename*0*=utf-8''Gr%C3%BC; filename*1=sse.pdf", "Grüsse.pdf"),
        ('attachment; filename="=?utf-8?Q?Gr=C3=BC=C3=9Fe.pdf?="', "Grüße.pdf"),
        ('attachment; filename="..\\\\..\\\\etc/passwd"', "passwd"),
        ("attachment", "attachment.pdf"),
    ],
)
def test_names_of_attachments(disposition: str, wanted: str) -> None:
    (file,) = parsed(raw("application/pdf", "base64", b"eA==", Content_Disposition=disposition)).files

    assert (file.name, file.content) == (wanted, b"x")


@pytest.mark.parametrize("charset", ["utf-8", "latin-1"])
@pytest.mark.parametrize(
    "fields",
    [
        'Content-Type: application/pdf\r\nContent-Disposition: attachment; filename="Prüfung.pdf"',
        "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=Prüfung.pdf; size=3",
        'Content-Type: application/pdf; name="Prüfung.pdf"',
        "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename*=''Prüfung.pdf",
        "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename*={}''Prüfung.pdf",
        "Content-Type: application/pdf\r\nContent-Disposition: attachment;\r\n filename*0=Prü; filename*1=fung.pdf",
    ],
)
def test_bare_bytes_in_the_name_of_an_attachment(fields: str, charset: str) -> None:
    content = f"From: a@x.example\r\n{fields.format(charset)}\r\n\r\nabc".encode(charset)

    assert [file.name for file in parsed(content).files] == ["Prüfung.pdf"]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("a\u202egnp.exe", "agnp.exe"),
        ("a\r\nSet-Cookie: x", "aSet-Cookie: x"),
        ('"><svg onload=alert(1)>', '"><svg onload=alert(1)>'),
        ("C:\\Temp\\bild.png", "bild.png"),
        ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
        ("...", ""),
    ],
)
def test_a_name_that_can_be_shown(name: str, wanted: str) -> None:
    assert clean_name(name) == wanted


def test_a_forwarded_mail_is_a_file_and_an_image_too() -> None:
    message = letter("Siehe unten")
    message.add_attachment(letter("Innen", subject="AW: Alt", message_id="<inner@x>"))
    message.add_attachment(b"bits", maintype="image", subtype="png", filename="bild.png", disposition="inline")

    read = parsed(message.as_bytes())

    assert (read.text, read.message_id) == ("Siehe unten", "<1@alma.example>")
    assert [(one.name, one.content_type) for one in read.files] == [("Alt.eml", "message/rfc822"), ("bild.png", "image/png")]
    assert b"Innen" in read.files[0].content


def tnef(name: bytes, content: bytes) -> bytes:
    """The smallest winmail.dat (MS-OXTNEF) that holds a file."""

    def attribute(level: int, kind: int, data: bytes) -> bytes:
        size, checksum = len(data).to_bytes(4, "little"), (sum(data) % 65536).to_bytes(2, "little")
        return bytes([level]) + kind.to_bytes(4, "little") + size + data + checksum

    head = (0x223E9F78).to_bytes(4, "little") + (1).to_bytes(2, "little")
    rendering = attribute(2, 0x00069002, bytes(14))
    return head + rendering + attribute(2, 0x00018010, name + b"\0") + attribute(2, 0x0006800F, content)


def test_winmail_dat_is_opened() -> None:
    message = letter("x")
    message.add_attachment(tnef(b"plan.pdf", b"bits"), maintype="application", subtype="ms-tnef", filename="winmail.dat")

    assert [(one.name, one.content) for one in parsed(message.as_bytes()).files] == [("plan.pdf", b"bits")]


def test_a_winmail_dat_that_is_none_stays_a_file() -> None:
    message = letter("x", files=[("winmail.dat", b"\x78\x9f\x3e\x22broken")])

    assert [one.name for one in parsed(message.as_bytes()).files] == ["winmail.dat"]


@pytest.mark.parametrize(
    ("sender", "wanted"),
    [
        ('"Alma, die" <Alma@X.example>', "alma@x.example"),
        ("alma@x.example (Alma)", "alma@x.example"),
        ("=?utf-8?q?=22boss=40city=2Eexample=22?= <egon@x.example>", "egon@x.example"),
        ("Alma <alma@x.example", "alma@x.example"),
        ("a@x.example, b@x.example", "a@x.example"),
        ("nobody", ""),
    ],
)
def test_who_wrote_it(sender: str, wanted: str) -> None:
    assert parsed(f"From: {sender}\n\nx".encode()).sender.address == wanted


@pytest.mark.parametrize(
    "fields",
    [
        "From: technik@m.example <attacker@evil.example>",
        "From: attacker@evil.example, technik@m.example",
        "From: Hans\nSender: technik@m.example",
        "Sender: technik@m.example",
        "From: technik@m.example\nFrom: attacker@evil.example",
        'From: "Hans" technik@m.example <attacker@evil.example>',
        "From: <technik@m.example> <attacker@evil.example>",
        "From: Kollegium: technik@m.example;",
    ],
)
def test_where_more_than_one_could_be_meant_it_is_nobody(fields: str) -> None:
    read = parsed(f"{fields}\nSubject: x\n\ny".encode())

    assert (read.sender.certain, read.sender.identity) == (False, "")


@pytest.mark.parametrize(
    "value",
    [
        "hans@m.example",
        "<hans@m.example>",
        "Hans@M.example (Hans)",
        "Müller, Hans <hans@m.example>",
        '"hans@m.example" <hans@m.example>',
        '"Hans \\"der\\" Müller, privat@x.example" <Hans@m.example>',
        "=?utf-8?q?Hans_M=C3=BCller?=\n <hans@m.example>",
    ],
)
def test_one_address_is_somebody_however_it_is_written(value: str) -> None:
    assert parsed(f"From: {value}\nSubject: x\n\ny".encode()).sender.identity == "hans@m.example"


def test_marked_lines_without_end_are_told_apart_in_one_go() -> None:
    text = "Hallo\n" + ">\n" * 60_000 + "x"
    assert split_quoted(text) == (text, "")
    assert split_quoted("Ja.\n> a\n> b\n> c\n\n") == ("Ja.\n", "> a\n> b\n> c\n\n")
    assert split_quoted("Ja.\n> a\n> b\n") == ("Ja.\n> a\n> b\n", "")
