"""Free ports: the wished one where nobody has it, else the next free one, and a sentence about who has the wished one."""

import os
import socket
from dataclasses import dataclass

import psutil

TRIES = 200


@dataclass(frozen=True)
class Wish:
    """A port that a piece would like: `name` is what the environment calls it."""

    name: str
    number: int
    udp: bool = False

    @property
    def label(self) -> str:
        return f"{'UDP' if self.udp else 'TCP'} port {self.number}"


@dataclass(frozen=True)
class Port:
    wish: Wish
    number: int
    taken_by: str = ""

    def sentence(self) -> str:
        """Why another port is used; empty when the wished one was free."""
        if self.number == self.wish.number:
            return ""
        return f"{self.wish.label} is taken by {self.taken_by}; using {self.number} instead."


def wished(name: str, usual: int, *, udp: bool = False) -> Wish:
    """The usual port, or the one that the environment asks for under that name."""
    return Wish(name, int(os.environ.get(name, usual)), udp)


def choose(wishes: list[Wish]) -> list[Port]:
    return [_choose(wish) for wish in wishes]


def _choose(wish: Wish) -> Port:
    for number in range(wish.number, min(wish.number + TRIES, 65536)):
        if _is_free(number, udp=wish.udp):
            return Port(wish, number, "" if number == wish.number else holder(wish))
    raise OSError(f"no free port between {wish.number} and {wish.number + TRIES}")


def _is_free(number: int, *, udp: bool) -> bool:
    kind = socket.SOCK_DGRAM if udp else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as probe:
        if not udp:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", number))  # noqa: S104  (any address in use counts; nothing listens here)
        except OSError:
            return False
    return True


def holder(wish: Wish) -> str:
    """Name and number of the process that has the port, as far as this user may see it."""
    try:
        rows = psutil.net_connections("udp" if wish.udp else "tcp")
        pid = next((row.pid for row in rows if row.laddr and row.laddr.port == wish.number and row.pid), None)
        return f"{psutil.Process(pid).name()} (process {pid})" if pid else "a process of another user"
    except (psutil.Error, PermissionError):
        return "a process of another user"
