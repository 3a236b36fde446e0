"""Printer queues on a real CUPS: cupsd in a directory of its own, and lpadmin. The printer only says what it can do."""

import asyncio
import os
import struct
import subprocess
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.integration.lab_ssh.conftest import free_port
from tests.integration.playbooks.servers import PATHS, Server, lacking, needs_sshd, serving

MISSING = lacking("cupsd", "lpadmin", "lpstat")
pytestmark = [
    needs_sshd,
    pytest.mark.skipif(bool(MISSING), reason=f"needs CUPS (the package cups): {', '.join(MISSING)}"),
    pytest.mark.skipif(os.geteuid() != 0, reason="cupsd wants to be root"),
]
FILES = """ServerRoot {home}/etc
StateDir {home}/run
CacheDir {home}/cache
RequestRoot {home}/spool
TempDir {home}/tmp
AccessLog {home}/access
ErrorLog {home}/error
PageLog {home}/page
SystemGroup root
User lp
Group lp
"""
DAEMON = """Listen {socket}
Browsing Off
DefaultAuthType None
WebInterface No
<Location />
  Order allow,deny
  Allow all
</Location>
<Policy default>
  <Limit All>
    Order deny,allow
  </Limit>
</Policy>
"""


@dataclass(frozen=True)
class Cups:
    server: Server
    socket: str
    printer: str

    def said(self, *words: str) -> str:
        environment = {"PATH": PATHS, "CUPS_SERVER": self.socket, "LC_ALL": "C"}
        return subprocess.run(words, env=environment, capture_output=True, text=True, check=False).stdout

    def queues(self) -> dict[str, str]:
        """Name of each queue → where it leads."""
        lines = [line.removeprefix("device for ").partition(": ") for line in self.said("lpstat", "-v").splitlines()]
        return {name: uri for name, _, uri in lines}


# What a printer answers to Get-Printer-Attributes (RFC 8011), as far as a queue without a driver wants to know:
# [(tag of the value's syntax, name, values)].
KEYWORD, MIME, NAME, RESOLUTION, BOOLEAN = 0x44, 0x49, 0x42, 0x32, 0x22
ABILITIES: list[tuple[int, str, list[bytes]]] = [
    (NAME, "printer-make-and-model", [b"Muster P2"]),
    (MIME, "document-format-supported", [b"application/octet-stream", b"image/pwg-raster"]),
    (KEYWORD, "pwg-raster-document-type-supported", [b"sgray_8", b"srgb_8"]),
    (RESOLUTION, "pwg-raster-document-resolution-supported", [struct.pack(">iib", 300, 300, 3)]),
    (KEYWORD, "media-supported", [b"iso_a4_210x297mm"]),
    (KEYWORD, "media-default", [b"iso_a4_210x297mm"]),
    (KEYWORD, "sides-supported", [b"one-sided"]),
    (BOOLEAN, "color-supported", [b"\x01"]),
]


class Printer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = self.rfile.read(int(self.headers["Content-Length"]))
        body = self._answer(request)
        self.send_response(200)
        self.send_header("Content-Type", "application/ipp")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @staticmethod
    def _answer(request: bytes) -> bytes:
        """RFC 8010: version, status, the request's own number; groups of attributes; further values have no name."""
        said = request[:2] + b"\x00\x00" + request[4:8] + b"\x01"
        said += _attribute(0x47, "attributes-charset", b"utf-8") + _attribute(0x48, "attributes-natural-language", b"en")
        said += b"\x04"
        for tag, name, values in ABILITIES:
            said += b"".join(_attribute(tag, "" if at else name, value) for at, value in enumerate(values))
        return said + b"\x03"

    def log_message(self, *_: Any) -> None:
        """Tests are quiet."""


def _attribute(tag: int, name: str, value: bytes) -> bytes:
    return struct.pack(">BH", tag, len(name)) + name.encode() + struct.pack(">H", len(value)) + value


@pytest.fixture
def printer() -> Iterator[str]:
    """Address of a printer that is there."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Printer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _configured(home: Path, socket: str) -> list[str]:
    """A directory for all that cupsd keeps; the options that lead there."""
    home.chmod(0o755)  # what CUPS starts runs as somebody else
    for name in ("etc", "run", "cache", "spool", "tmp"):
        (home / name).mkdir()
    files, daemon = home / "etc" / "cups-files.conf", home / "etc" / "cupsd.conf"
    files.write_text(FILES.format(home=home))
    daemon.write_text(DAEMON.format(socket=socket))
    return ["-c", str(daemon), "-s", str(files)]


@pytest.fixture
async def cups(tmp_path: Path, printer: str) -> AsyncIterator[Cups]:
    with tempfile.TemporaryDirectory(prefix="cups") as short:
        socket = f"{short}/sock"
        words = ["cupsd", "-f", *_configured(Path(short), socket)]
        quiet: dict[str, Any] = dict.fromkeys(("stdout", "stderr"), asyncio.subprocess.DEVNULL)
        daemon = await asyncio.create_subprocess_exec(*words, env={"PATH": PATHS}, **quiet)
        try:
            async with serving(tmp_path, {"CUPS_SERVER": socket, "PATH": PATHS}) as server:
                made = Cups(server, socket, printer)
                await _ready(made)
                yield made
        finally:
            if daemon.returncode is None:
                daemon.terminate()
            await daemon.wait()


async def _ready(cups: Cups) -> None:
    for _ in range(100):
        if "scheduler is running" in cups.said("lpstat", "-r"):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("cupsd does not answer")


async def play(cups: Cups, given: dict[str, Any], *options: str) -> tuple[int, int, str]:
    played = await cups.server.play(["printer-queue"], given, *options)
    return played.status, played.changed, played.out


@pytest.mark.parametrize("place", ["", "Keller", "Haus 1, Raum 204"])
async def test_a_queue_is_set_up_once_moved_and_removed_once(cups: Cups, place: str) -> None:
    queue = {"queue": "Raum204", "printer_host": cups.printer, **({"place": place} if place else {})}

    first, again = await play(cups, queue), await play(cups, queue)

    assert (first[:2], again[:2]) == ((0, 1), (0, 0)), first[2] + again[2]
    assert cups.queues() == {"Raum204": f"ipp://{cups.printer}/ipp/print"}
    moved, still = await play(cups, queue | {"place": "Dach"}), await play(cups, queue | {"place": "Dach"})
    assert (moved[:2], still[:2]) == ((0, 1), (0, 0)), moved[2]
    assert "Location: Dach" in cups.said("lpstat", "-l", "-p", "Raum204")
    gone, none = [await play(cups, {"queue": "Raum204", "state": "absent"}) for _ in range(2)]
    assert (gone[:2], none[:2]) == ((0, 1), (0, 0)), gone[2] + none[2]
    assert cups.queues() == {}


async def test_another_queue_stays_and_a_printer_that_is_away_gets_its_queue_all_the_same(cups: Cups) -> None:
    """CUPS asks the printer what it can do when it is there: nobody has to go to the room before the queue can be made."""
    await play(cups, {"queue": "Andere", "printer_host": cups.printer})

    status, changed, out = await play(cups, {"queue": "Raum204", "printer_host": f"127.0.0.1:{free_port()}"})

    assert (status, changed) == (0, 1), out
    assert set(cups.queues()) == {"Andere", "Raum204"}


async def test_check_mode_says_what_would_be_and_does_nothing(cups: Cups) -> None:
    queue = {"queue": "Raum204", "printer_host": cups.printer}

    checked = await play(cups, queue, "--check")

    assert checked[:2] == (0, 1), checked[2]
    assert cups.queues() == {}
