"""What notifications mean, as traps.toml has it: read once and strictly."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fleet.monitoring.metrics import Text
from fleet.monitoring.rules.ports import names_a_port

FILE = Path(__file__).with_name("traps.toml")
OID = re.compile(r"^[0-2](\.(0|[1-9][0-9]*))+$")
Ask = Literal["device", "port", "behind"]


class TrapsError(Exception):
    """traps.toml is not valid; the text names file, line and key, one problem per line."""


class Entry(BaseModel):
    """One notification. `port`: the object whose value is an ifIndex; `ask`: who is polled early."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    name: str = Field(min_length=1)
    title: Text
    ask: list[Ask]
    port: Annotated[str, Field(pattern=OID.pattern)] | None = None

    def port_of(self, varbinds: Sequence[tuple[str, object]]) -> int | None:
        """The ifIndex that the notification names; None if it names none."""
        if self.port is None:
            return None
        found = (value for oid, value in varbinds if oid.startswith(f"{self.port}.") and isinstance(value, int))
        return next((value for value in found if names_a_port(value)), None)


Book = Mapping[str, Entry]


@cache
def known() -> Book:
    """By OID. Raises TrapsError."""
    return parse(FILE.read_text(), FILE.name)


def entry(oid: str, book: Book | None = None) -> Entry | None:
    """The one whose OID is the longest beginning of this one."""
    entries = known() if book is None else book
    parts = oid.split(".")
    for length in range(len(parts), 0, -1):
        if found := entries.get(".".join(parts[:length])):
            return found
    return None


def parse(text: str, file: str) -> Book:
    """Raises TrapsError with every problem found, each with its line."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TrapsError(f"{file}: {error}") from error
    found: dict[str, Entry] = {}
    problems: list[str] = []
    for oid, table in tables.items():
        if not OID.match(oid):
            problems.append(f"{file}:{_line(text, oid)}: {oid}: not an OID")
            continue
        try:
            found[oid] = Entry.model_validate(table)
        except ValidationError as error:
            problems += [f"{file}:{_line(text, oid)}: {_place(oid, one)}: {one['msg']}" for one in error.errors()]
            continue
        if "port" in found[oid].ask and found[oid].port is None:
            problems.append(f"{file}:{_line(text, oid)}: {oid}.ask: asks at a port that `port` does not name")
    if problems:
        raise TrapsError("\n".join(problems))
    return found


def _place(oid: str, problem: Mapping[str, object]) -> str:
    where = problem["loc"]
    return ".".join([oid, *map(str, where)]) if isinstance(where, tuple) else oid


def _line(text: str, oid: str) -> int:
    """The line of that table's head."""
    heads = (number for number, line in enumerate(text.splitlines(), start=1) if line.strip() == f'["{oid}"]')
    return next(heads, 1)
