"""A mailbox of the city, and how a mail is put into it: as bytes, through the same service as the command and IMAP use."""

import io
from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from helpdesk.mail.models import Mailbox
from helpdesk.mail.services.receiving import Result, receive
from tests.conftest import City

Post = Callable[..., Result]


@pytest.fixture(autouse=True)
def _files_of_their_own(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"


@pytest.fixture
def mailbox(city: City) -> Mailbox:
    return Mailbox.objects.create(authority=city.authority, site=city.school_b, address="it@musterstadt.example")


def letter(  # noqa: PLR0913
    text: str = "Der Drucker druckt nicht.",
    *,
    sender: str = "Alma <alma@musterstadt.example>",
    subject: str = "Drucker",
    to: str = "it@musterstadt.example",
    message_id: str | None = "<1@alma.example>",
    headers: Mapping[str, str] | None = None,
    files: Sequence[tuple[str, bytes]] = (),
) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Date"] = "Mon, 23 Nov 2026 09:00:00 +0100"
    if message_id:
        message["Message-ID"] = message_id
    for name, value in (headers or {}).items():
        message[name] = value
    message.set_content(text)
    for name, content in files:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message


@pytest.fixture
def post(mailbox: Mailbox) -> Post:
    """`post("text", sender=…, headers=…)` -> what became of it; `post(raw=b"…")` for what no library would write."""

    def deliver(
        text: str = "Der Drucker druckt nicht.", *, raw: bytes | None = None, box: Any = None, **more: Any
    ) -> Result:
        content = raw if raw is not None else letter(text, **more).as_bytes()
        return receive(source=io.BytesIO(content), mailbox=box or mailbox)

    return deliver
