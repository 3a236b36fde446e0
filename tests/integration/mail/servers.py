"""A small IMAP server (RFC 3501) that can do what real ones are not made to do: hang up, say NO, send drop by drop."""

import re
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

BODY = re.compile(r"BODY\.PEEK\[\]<(\d+)\.(\d+)>")


@dataclass
class Inbox:
    """`mails` by UID. What `hangs_up`, `refuses` or `drips` goes wrong; `fetched`: (UID, bytes sent) of the rest."""

    mails: dict[int, bytes]
    hangs_up: set[int] = field(default_factory=set)
    refuses: set[int] = field(default_factory=set)
    drips: set[int] = field(default_factory=set)
    fetched: list[tuple[int, int]] = field(default_factory=list)
    port: int = 0


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    inbox: Inbox


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.inbox = cast("_Server", self.server).inbox
        self.say("* OK ready")
        for line in self.rfile:
            tag, command = line.decode().strip().split(" ", 1)
            word = command.removeprefix("UID ").split(" ", 1)[0].upper()
            answer = getattr(self, f"do_{word}", lambda _command: "OK")(command)
            if answer is None:
                return
            self.say(f"{tag} {answer} done")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())

    def do_CAPABILITY(self, _command: str) -> str:  # noqa: N802
        self.say("* CAPABILITY IMAP4rev1")
        return "OK"

    def do_SELECT(self, _command: str) -> str:  # noqa: N802
        self.say(f"* {len(self.inbox.mails)} EXISTS\r\n* OK [UIDVALIDITY 7] yes")
        return "OK [READ-WRITE] yes"

    def do_SEARCH(self, command: str) -> str:  # noqa: N802
        first = int(command.rsplit(" ", 1)[1].partition(":")[0])
        uids = [uid for uid in self.inbox.mails if uid >= min(first, max(self.inbox.mails))]
        self.say(f"* SEARCH {' '.join(map(str, uids))}")
        return "OK"

    def do_FETCH(self, command: str) -> str | None:  # noqa: N802
        uid = int(command.split(" ")[2])
        mail = self.inbox.mails.get(uid)
        if mail is None:
            return "OK"
        if (wanted := BODY.search(command)) is None:
            self.say(f"* {uid} FETCH (UID {uid} RFC822.SIZE {len(mail)})")
            return "OK"
        if uid in self.inbox.hangs_up:
            self.say(f"* {uid} FETCH (UID {uid} BODY[]<0> {{{len(mail)}}}\r\nFrom: al")
            return None
        if uid in self.inbox.refuses:
            return "NO [SERVERBUG] it is broken"
        start, most = map(int, wanted.groups())
        piece = mail[start : start + most]
        self.wfile.write(f"* {uid} FETCH (UID {uid} BODY[]<{start}> {{{len(piece)}}}\r\n".encode())
        if uid in self.inbox.drips:
            for byte in piece:
                self.wfile.write(bytes([byte]))
                time.sleep(0.1)
        self.wfile.write(piece + b")\r\n")
        self.inbox.fetched.append((uid, len(piece)))
        return "OK"

    def do_CREATE(self, _command: str) -> str:  # noqa: N802
        return "NO no such folder can be"

    def do_LOGOUT(self, _command: str) -> str:  # noqa: N802
        self.say("* BYE")
        return "OK"


@contextmanager
def served(inbox: Inbox) -> Iterator[Inbox]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.inbox, inbox.port = inbox, server.server_address[1]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield inbox
        server.shutdown()
