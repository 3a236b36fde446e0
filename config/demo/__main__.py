"""`make demo`: the product with a simulated school, until Ctrl-C."""

import argparse
import os
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType

from config.demo.pieces import Pieces, PiecesError, only_one, running
from config.demo.ports import Wish, wished
from config.env import BASE_DIR


def wishes() -> list[Wish]:
    return [
        wished("WEB_PORT", 8000),
        wished("LAB_SNMP_PORT", 16161, udp=True),
        wished("LAB_SSH_PORT", 2200),
        wished("TRAP_PORT", 8162, udp=True),
    ]


class StopSignal(Exception):  # noqa: N818  (it is no error)
    """Somebody asked the demo to end."""


def main() -> int:
    arguments = _arguments()
    var_dir = Path(os.environ.get("VAR_DIR", BASE_DIR / "var"))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        if arguments.reset:
            _reset(var_dir)
        with running(var_dir, wishes()) as pieces:
            _welcome(pieces)
            _wait(pieces)
    except StopSignal:
        print("\nStopped. What you did is kept; `make demo` goes on with it, `make demo-reset` starts afresh.")
        return 0
    except PiecesError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m config.demo", description=__doc__)
    parser.add_argument("--reset", action="store_true", help="throw away what the last demo kept")
    return parser.parse_args()


def _stop(_number: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not interrupt the clean end
    raise StopSignal


def _reset(var_dir: Path) -> None:
    with only_one(var_dir):
        for entry in var_dir.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name != "demo.lock":
                entry.unlink()


def _welcome(pieces: Pieces) -> None:
    from fleet.lab.services import DEMO_PASSWORD, demo_logins

    print(f"\n  Fleetdesk is running:  {pieces.url}\n\n  Log in with any of these, password {DEMO_PASSWORD}")
    for email, role in demo_logins():
        print(f"    {email:<46} {role}")
    print(f"\n  API: {pieces.url}/api/v1/docs   Logs: {pieces.var_dir / 'log'}\n  Ctrl-C stops it.\n", flush=True)


def _wait(pieces: Pieces) -> None:
    if pieces.supervisor.wait() != 0:
        raise PiecesError(f"The supervisor ended by itself; see {pieces.var_dir / 'log'}.")


if __name__ == "__main__":
    sys.exit(main())
