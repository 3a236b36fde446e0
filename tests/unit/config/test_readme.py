"""The documents list what a deployment has to say, as it has to be said."""

import re

import pytest

from config import mail
from config.env import BASE_DIR, Env


def rows() -> str:
    return "\n".join(line for line in (BASE_DIR / "README.md").read_text().splitlines() if line.startswith("| `"))


@pytest.mark.parametrize("scheme", mail.PORTS)
def test_every_kind_of_mail_server_is_named(scheme: str) -> None:
    (row,) = [line for line in rows().splitlines() if "`EMAIL_URL`" in line]

    assert f"`{scheme}://" in row


def test_every_setting_is_told_of() -> None:
    pages = [BASE_DIR / "README.md", *(BASE_DIR / "docs").glob("*.md")]
    named = set(re.findall(r"\b[A-Z][A-Z_]+\b", "\n".join(page.read_text() for page in pages)))

    assert set(Env.model_fields) - named == set()


def test_no_setting_is_listed_that_there_is_not() -> None:
    cells = "".join(line.split("|")[1] for line in rows().splitlines())
    listed = {word.partition("=")[0] for word in cells.split("`")[1::2]}

    assert "EMAIL_URL" in listed
    assert listed <= set(Env.model_fields)
