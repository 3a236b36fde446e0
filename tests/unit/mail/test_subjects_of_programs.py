"""Answers of programs that say so in their subject alone, and people who write of such answers."""

import base64

import pytest

from tests.unit.mail.test_harder_mail import read

UNMISTAKABLE = [
    "AUTO: Max Muster ist außer Haus (Rückkehr am 12.10.2026)",
    *("AUTO: Max Muster ist ausser Haus.", "AUTO: Alma Muster is out of the office (returning 10/12/2026)"),
    *("AUTO: Alma Muster ist nicht im Haus bis 12.10.", "[Auto-Reply] Drucker", "[Auto Reply] Re: Drucker"),
    *("Abwesenheitsnotiz Re: Drucker", "Abwesenheitsnotiz: AW: Drucker", "[Abwesenheitsnotiz] AW: Drucker"),
    *("Automatische Antwort: [F2026-000001] Drucker", "Automatic reply: RE: Printer", "Out of Office: Re: Drucker"),
    "Réponse automatique : Re: Imprimante",
]
MISTAKABLE = [
    *("Abwesenheit: Re: was tun?", "Abwesenheitsnotiz: bitte einrichten", "Abwesenheitsnotiz einrichten [F2026-000001]"),
    *("[Abwesenheitsnotiz] falscher Text", "Auto: Hausmeister ist außer Haus", "AUTO: Schranke am Hof geht nicht"),
    *("AUTO: Herr Kunz ist außer Haus, wer fährt?", "AW: Automatische Antwort: Re: Drucker", "Auto-Reply geht nicht"),
    *("Frage: Abwesenheitsnotiz Re: Drucker", "WG: [Auto-Reply] Drucker", "[F2026-000001] Abwesenheitsnotiz: AW: x"),
]


@pytest.mark.parametrize("subject", UNMISTAKABLE)
def test_what_no_person_writes_is_of_a_program_without_any_other_sign(subject: str) -> None:
    encoded = base64.b64encode(subject.encode()).decode()

    assert read(f"Subject: =?utf-8?b?{encoded}?=").automatic == "subject of an out-of-office reply"


@pytest.mark.parametrize("subject", MISTAKABLE)
def test_what_a_person_may_write_of_it_is_not(subject: str) -> None:
    assert read(f"Subject: {subject}").automatic == ""
