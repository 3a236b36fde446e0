"""UCI, OpenWrt's Unified Configuration Interface, over a device's simulated files."""

from fleet.lab.ssh.uci.command import Outcome, needs_stdin, run
from fleet.lab.ssh.uci.store import Store
from fleet.lab.ssh.uci.text import (
    EntryNotFound,
    InvalidArgument,
    ParseError,
    Section,
    UciError,
    Value,
    parse,
    serialise,
)

__all__ = [
    "EntryNotFound",
    "InvalidArgument",
    "Outcome",
    "ParseError",
    "Section",
    "Store",
    "UciError",
    "Value",
    "needs_stdin",
    "parse",
    "run",
    "serialise",
]
