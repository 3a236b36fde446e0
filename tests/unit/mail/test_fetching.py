"""A mail is fetched to its end, whatever size its server says."""

import io
from typing import Any

import pytest
from pytest_django import Settings

from helpdesk.mail import imap


class Server:
    """What is asked of it, as IMAPClient answers it."""

    def __init__(self, mail: bytes, said: int) -> None:
        self.mail, self.said = mail, said

    def fetch(self, uids: list[int], what: list[str]) -> dict[int, dict[bytes, Any]]:
        if what == ["RFC822.SIZE"]:
            return {uids[0]: {b"RFC822.SIZE": self.said}}
        start, most = map(int, what[0].split("<")[1].rstrip(">").split("."))
        return {uids[0]: {f"BODY[]<{start}>".encode(): self.mail[start : start + most]}}


@pytest.mark.parametrize("said", [1, imap.PIECE - 100, imap.PIECE + 500, imap.PIECE * 3])
def test_a_size_may_be_a_guess(said: int) -> None:
    mail, target = b"x" * (imap.PIECE + 500), io.BytesIO()

    imap._fetched(Server(mail, said), 1, target)  # type: ignore[arg-type]

    assert target.getvalue() == mail


def test_a_mail_that_never_ends_is_cut(settings: Settings) -> None:
    settings.MAIL_BYTES = imap.PIECE
    target = io.BytesIO()

    size = imap._fetched(Server(b"x" * (imap.PIECE * 5), 100), 1, target)  # type: ignore[arg-type]

    assert size == len(target.getvalue()) == imap.PIECE * 2
