"""What somebody wrote is told from what their program repeats, and never folded away with it."""

import time

import pytest

from helpdesk.mail.rules.bodies import split_quoted, text_of_html
from tests.unit.mail.test_parsing import QUOTES

QUOTED = [
    'Gesendet: Montag, 23. November 2026 um 09:00 Uhr\nVon: "IT" <it@x>\nAn: a@x\nBetreff: Drucker\n\nIst er an?',
    "Am Mo., 23. Nov. 2026 um 10:00 Uhr schrieb Theo Muster <t@x.example>:\n\n> Ist er an?",
    "Am 23. November 2026 10:00:00 MEZ schrieb theo:\n>Ist er an?",
    "Am Montag um 10 Uhr schrieb Muster, Theo (IT-Abteilung):\n> Ist er an?",
    "Am Montag, 23. November 2026 um 10:00:00 MEZ hat Theo <t@x.example> Folgendes geschrieben:\n\nIst er an?",
    "Am 23.11.2026 um 10:00 schrieb Theo <t@x.example>:\n\nIst er an?",
    "Am 23.11.26 um 09:00 schrieb IT:",
    "On Nov 23, 2026, at 10:00 AM, Theo van Muster <theo@x.example> wrote:\n\nIs it on?",
    "On 23/11/2026 10:00, Theo via Helpdesk wrote:\n> Is it on?",
    "Le lun. 23 nov. 2026 à 10:00, Theo <theo@x.example> a écrit :\n> Est-il allumé ?",
    "> Am 23.11.2026 um 10:00 schrieb Theo <t@x.example>:\n> \n> Ist er an?",
]
OWN = [
    "Am Montag kam eine Meldung, und der Kollege schrieb folgendes auf:\nFehler 0x61\n\nBitte tauschen Sie ihn aus.",
    "Am Montag um 10:00 kam eine Meldung, und der Kollege schrieb:\n> Fehler 0x61\n",
    "Am 23.11.2026 um 10:00 Uhr schrieb der Kollege folgendes auf:\nFehler 0x61\n\nBitte tauschen.",
    "Am 23.11.2026 um 10:00 schrieb der Kollege folgendes auf:\n> Fehler 0x61\n",
    "Am 23.11.2026 schrieb Theo:\nIst er an?\n\nJa, er ist an.",
    "On Monday at 10:00 the printer stopped, and my colleague wrote:\n> Error 61\n",
    "Am Drucker schrieb ich:\n> Defekt\n",
]


@pytest.mark.parametrize("quoted", QUOTED)
def test_what_a_program_repeats_is_folded(quoted: str) -> None:
    assert split_quoted(f"Ja.\n\n{quoted}") == ("Ja.\n\n", quoted)


@pytest.mark.parametrize("own", OWN)
def test_sentences_that_begin_as_such_a_line_does_are_somebody_s_own(own: str) -> None:
    assert split_quoted(f"Hallo,\n\n{own}") == (f"Hallo,\n\n{own}", "")


def test_a_signature_below_a_quotation_is_no_answer() -> None:
    assert split_quoted(f"Ja.\n\n{QUOTES[0]}\n\n-- \nAlma\n")[0] == "Ja.\n\n"
    assert split_quoted(f"Ja.\n\n{QUOTES[0]}\n\n--\nAlma\n")[1] == ""


def test_many_lines_that_begin_so_are_told_apart_in_time() -> None:
    began = time.monotonic()
    for line in ("Am :\n", "Am schrieb schrieb\n", f"On {'1 ' * 90}:\n", f"{'> ' * 90}Am\n", f"{'Am schrieb 1.1. ' * 12}\n"):
        split_quoted("Ja.\n" + line * (250_000 // len(line)))

    assert time.monotonic() - began < 20


CITED = '<blockquote type="cite">'
LEAD = '<div class="moz-cite-prefix">Am 23.11.26 um 09:00 schrieb IT:</div>'


@pytest.mark.parametrize(
    ("inside", "wanted"),
    [
        ("<p>Welcher Raum?</p>", "> Welcher Raum?"),
        ("<p>Welcher<br>Raum?</p><p>Und wann?</p>", "> Welcher\n> Raum?\n>\n> Und wann?"),
        (f"Welcher?{CITED}Der neue{CITED}geht</blockquote></blockquote>", "> Welcher?\n>> Der neue\n>>> geht"),
        ("<pre>a\nb</pre>", "> a\n> b"),
        ("a\ufdd1b", "> ab"),
    ],
)
def test_a_quotation_in_html_has_its_marks(inside: str, wanted: str) -> None:
    assert text_of_html(f"<p>Ja.</p>{CITED}{inside}</blockquote>Gut.") == f"Ja.\n\n{wanted}\n\nGut."


def test_what_somebody_moves_to_the_right_is_their_own() -> None:
    html = 'Ja.<blockquote style="margin:0 0 0 40px;border:none;padding:0px">eins<br>zwei<br>drei</blockquote>'

    assert text_of_html(html) == "Ja.\neins\nzwei\ndrei"


def test_answers_between_quotations_in_html_stay() -> None:
    html = f"Hallo,{LEAD}{CITED}<p>Welcher?</p></blockquote><p>204</p>{CITED}<p>Wann?</p></blockquote><p>Heute</p>"

    assert split_quoted(text_of_html(html))[1] == ""


@pytest.mark.parametrize(
    "quoted",
    [
        f'{LEAD}{CITED}<p>Welcher?</p></blockquote><pre class="moz-signature">-- \nAlma</pre>',
        f"{CITED}<div>Am 23.11.2026 um 10:00 schrieb Theo &lt;t@x.example&gt;:</div><div>Welcher?</div></blockquote>",
        "<b>Gesendet:</b>&nbsp;Montag um 09:00 Uhr<br><b>Von:</b>&nbsp;IT<br><b>An:</b>&nbsp;a@x.example<br>Welcher?",
    ],
)
def test_what_a_mail_in_html_repeats_is_folded(quoted: str) -> None:
    new, repeated = split_quoted(text_of_html(f"<p>Raum 204</p>{quoted}"))

    assert new.strip() == "Raum 204"
    assert "Welcher?" in repeated


def test_html_nested_without_end_is_read_in_time() -> None:
    assert len(text_of_html("<blockquote>x" * 50_000)) < 800_000
