from pathlib import Path

import pytest

from config.mail import settings_for

FOLDER = Path("var/mail")


def test_without_an_address_mails_become_files() -> None:
    assert settings_for("", FOLDER)["EMAIL_FILE_PATH"] == FOLDER


@pytest.mark.parametrize(
    ("url", "port", "tls", "ssl"),
    [
        ("smtp://mail.example", 25, False, False),
        ("smtp://mail.example:2525", 2525, False, False),
        ("smtp+tls://mail.example", 587, True, False),
        ("smtps://mail.example", 465, False, True),
    ],
)
def test_how_the_server_is_spoken_to(url: str, port: int, *, tls: bool, ssl: bool) -> None:
    made = settings_for(url, FOLDER)

    assert made["EMAIL_HOST"] == "mail.example"
    assert (made["EMAIL_PORT"], made["EMAIL_USE_TLS"], made["EMAIL_USE_SSL"]) == (port, tls, ssl)


def test_names_and_passwords_are_decoded() -> None:
    made = settings_for("smtps://it%40city:p%2Fw@mail.example", FOLDER)

    assert (made["EMAIL_HOST_USER"], made["EMAIL_HOST_PASSWORD"]) == ("it@city", "p/w")


@pytest.mark.parametrize("url", ["mail.example", "imap://user:geheim@mail.example", "smtps://"])
def test_nonsense_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="EMAIL_URL") as refused:
        settings_for(url, FOLDER)

    assert "geheim" not in str(refused.value)
