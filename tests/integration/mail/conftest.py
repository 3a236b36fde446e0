"""A real IMAP server and a real SMTP server on loopback, and the command that a mail server's pipe starts."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.db import connection
from imapclient import IMAPClient
from pytest_django import Settings

from config.env import BASE_DIR
from helpdesk.mail.models import Mailbox
from tests.conftest import City

USER, PASSWORD = "it", "planted-mail-password"


def free_port() -> int:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def answers(port: int) -> bool:
    with closing(socket.socket()) as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def imap_port() -> Iterator[int]:
    """pymap, in a process of its own."""
    port = free_port()
    server = [
        sys.executable,
        "-c",
        "from pymap.main import main; main()",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--no-tls",
    ]
    process = subprocess.Popen([*server, "dict", "--demo-user", USER, "--demo-password", PASSWORD])
    try:
        deadline = time.monotonic() + 30
        while not answers(port):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def inbox(imap_port: int) -> Iterator[IMAPClient]:
    """Logged in as a mail program would be, with an empty inbox."""
    client = IMAPClient("127.0.0.1", imap_port, ssl=False)
    client.login(USER, PASSWORD)
    for folder in ("INBOX", "Processed"):
        if client.folder_exists(folder):
            client.select_folder(folder)
            client.delete_messages(client.search())
            client.expunge()
    yield client
    client.logout()


@pytest.fixture(autouse=True)
def _files_of_their_own(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"


@pytest.fixture
def mailbox(city: City, imap_port: int) -> Mailbox:
    return Mailbox.objects.create(
        authority=city.authority, site=city.school_b, address="it@musterstadt.example", host="127.0.0.1", port=imap_port,
        security="none", username=USER, secret={"password": PASSWORD},
    )  # fmt: skip


class Post:
    """What the SMTP server has taken."""

    def __init__(self) -> None:
        self.taken: list[Any] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  (aiosmtpd's name)
        self.taken.append(envelope)
        return "250 OK"


@pytest.fixture
def smtp(settings: Settings) -> Iterator[Post]:
    post, port = Post(), free_port()
    controller = Controller(post, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    yield post
    controller.stop()


def ingest(*arguments: str, url: str | None = None) -> "subprocess.Popen[bytes]":
    """`manage.py ingest_mail`, on the database of the test."""
    name = connection.settings_dict["NAME"]
    server = os.environ.get("DATABASE_URL", "")
    own = server.rsplit("/", 1)[0] + f"/{name}" if server.startswith("postgres") else f"sqlite:///{name}"
    command = [sys.executable, "manage.py", "ingest_mail", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=BASE_DIR, env={**os.environ, "DATABASE_URL": url or own}, stdin=pipe, stdout=pipe, stderr=pipe
    )


Mail = EmailMessage | bytes
AT_ONCE = 3
"""Commands side by side: each is a process of Django's."""


def told(mail: Mail, *arguments: str) -> dict[str, Any]:
    """What the command prints of it."""
    process = ingest(*arguments)
    out, error = process.communicate(mail if isinstance(mail, bytes) else mail.as_bytes(), timeout=120)
    assert (process.returncode, out.count(b"\n")) == (0, 1), error
    answer: dict[str, Any] = json.loads(out)
    return answer


def told_at_once(*mails: Mail | tuple[Mail, *tuple[str, ...]]) -> list[dict[str, Any]]:
    """The same of several that come side by side; a mail alone, or with the arguments of its command."""
    with ThreadPoolExecutor(AT_ONCE) as commands:
        return list(commands.map(lambda one: told(*one) if isinstance(one, tuple) else told(one), mails))
