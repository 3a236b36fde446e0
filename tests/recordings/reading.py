"""Two ways to read recordings: over UDP from FOLDER/serve.py, as `probe` does, or from the files, which is quick."""

from __future__ import annotations

import asyncio
import importlib.util
import multiprocessing
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from fleet.snmp import profiles, values
from fleet.snmp.errors import ProfileError, SnmpError
from fleet.snmp.fetch import PysnmpFetcher
from fleet.snmp.profiles import loading
from fleet.snmp.read import read
from fleet.snmp.types import Oid, Reading, Target, V2cCredential, Value
from tests.recordings import unseen

PROCESSES = 2
TOGETHER = 8  # devices asked at once per process


def over_udp(folder: Path, names: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Readings of the recordings with these names, as dicts."""
    with _serving(folder) as port, multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        shares = [(port, names[start::PROCESSES]) for start in range(PROCESSES)]
        for readings in pool.imap_unordered(_read_share, shares):
            yield from readings


@contextmanager
def _serving(folder: Path) -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(folder / "serve.py"), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        server.stdout.readline()  # it says when it listens
        try:
            yield port
        finally:
            server.terminate()


def _read_share(share: tuple[int, Sequence[str]]) -> list[tuple[str, dict[str, Any]]]:
    return asyncio.run(_read_all(*share))


async def _read_all(port: int, names: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    gate = asyncio.Semaphore(TOGETHER)
    async with PysnmpFetcher() as fetcher:

        async def one(name: str) -> tuple[str, dict[str, Any]]:
            async with gate:
                return name, (
                    await _reading(fetcher, Target("127.0.0.1", port, V2cCredential(name), timeout_s=10))
                ).as_dict()

        return await asyncio.gather(*map(one, names))


async def _reading(fetcher: Any, target: Target, known: profiles.Profiles | None = None) -> Reading:
    try:
        return await read(fetcher, target, known)
    except SnmpError as error:
        return replace(Reading.unreachable(), problems=(str(error),))


# From the files


def from_files(
    folder: Path, names: Sequence[str], prefixes: Sequence[str] | None = None, as_if: str | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The same readings without a wire between; with ``prefixes`` by the profiles whose name begins with one of them, and
    ``as_if`` "unprofiled" or a "sibling" (see `unseen`)."""
    serve, known = _module(folder / "serve.py"), _valid_profiles()
    if prefixes:
        known = profiles.Profiles({name: one for name, one in known.by_name.items() if name.startswith(tuple(prefixes))})
    for name in names:
        answered = decoded(serve.Recording(folder / f"{name}.snmprec").rows)
        fetcher = FileFetcher(unseen.sibling(answered) if as_if == "sibling" else answered)
        fitting = unseen.unprofiled(known, answered) if as_if == "unprofiled" else known
        yield name, asyncio.run(_reading(fetcher, Target("127.0.0.1", 161, V2cCredential(name)), fitting)).as_dict()


def _valid_profiles() -> profiles.Profiles:
    """The profiles that are valid: who is writing one wants to see what the others say meanwhile."""
    with tempfile.TemporaryDirectory() as place:
        copied = Path(shutil.copytree(loading.DIRECTORY, Path(place) / "profiles"))
        while True:
            try:
                return loading.load(copied)
            except ProfileError as error:
                print("left out:", error, file=sys.stderr)
                (copied / str(error).split(".toml", 1)[0]).with_suffix(".toml").unlink()


def _module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("serve", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def decoded(rows: Mapping[tuple[int, ...], bytes]) -> dict[Oid, Value]:
    """What a recording answers, in the order of a walk; ``rows`` are arcs → BER of the value."""
    read = {".".join(map(str, arcs)): _decoded(rows[arcs]) for arcs in sorted(rows)}
    return {oid: value for oid, value in read.items() if value is not None}


class FileFetcher:
    """A `Fetcher` over what a device answers."""

    def __init__(self, answered: Mapping[Oid, Value]) -> None:
        self._values = answered

    async def get(self, target: Target, oids: Sequence[Oid]) -> dict[Oid, Value]:  # noqa: ARG002 - as the protocol has it
        return {oid: value for oid in oids if (value := self._values.get(oid)) is not None}

    async def walk(self, target: Target, columns: Sequence[Oid]) -> dict[Oid, Value]:  # noqa: ARG002 - likewise
        heads = tuple(f"{column}." for column in columns)
        return {oid: value for oid, value in self._values.items() if oid.startswith(heads)}


def _decoded(ber: bytes) -> Value | None:
    tag, body = ber[0], _body(ber)
    if tag == 2:
        return int.from_bytes(body, "big", signed=True)
    if tag in (65, 66, 67, 70):
        return int.from_bytes(body, "big")
    if tag == 6:
        return _oid(body)
    if tag == 64:
        return ".".join(map(str, body))
    if tag == 68:
        return values.opaque(body)
    return None if tag == 5 else body


def _body(ber: bytes) -> bytes:
    if ber[1] < 128:
        return ber[2:]
    return ber[2 + (ber[1] & 0x7F) :]


def _oid(body: bytes) -> Oid:
    arcs, arc = [], 0
    for octet in body:
        arc = arc << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))
