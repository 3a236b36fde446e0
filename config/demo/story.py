"""`make story`: the main job, headless, on the same pieces as the demo. Prints each step, exits 0 or 1.

A coordinator orders an exam Wi-Fi; an administrator approves; a worker carries it out; SNMP proves it; the ticket closes
itself; at the end of its time it is taken back and proved again. Then an access point dies and comes back.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import httpx

from config.demo.pieces import Pieces, PiecesError, running
from config.demo.ports import Wish, wished
from config.demo.visitor import VisitError, Visitor
from config.env import BASE_DIR

Found = TypeVar("Found")
QUICK = {"POLL_INTERVAL_S": "5", "POLL_RETRY_S": "1", "RUN_LEASE_S": "6"}
SSID = "Pruefung-204"
ACCESS_POINT, ADDRESS = "lindenhain-ap-204", "127.20.1.48"
CARLA, ANTON, TAREK = (f"{name}@musterstadt.example" for name in ("carla.lindgruen", "anton.leitner", "tarek.kabel"))


def wishes() -> list[Wish]:
    return [
        wished("WEB_PORT", 18000),
        wished("LAB_SNMP_PORT", 26161, udp=True),
        wished("LAB_SSH_PORT", 22200),
        wished("TRAP_PORT", 18162, udp=True),
    ]


class StoryError(Exception):
    """The story did not go as it must."""


def say(text: str) -> None:
    print(f"{datetime.now(ZoneInfo('Europe/Berlin')):%H:%M:%S}  {text}", flush=True)


def wait_for(what: str, look: Callable[[], Found | None], limit_s: float = 60) -> Found:
    """The first answer that is not empty; StoryError when none comes in time."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.5)
    raise StoryError(f"{what}: not within {limit_s:.0f} s")


def must(holds: object, what: str) -> None:
    if not holds:
        raise StoryError(what)


class Story:
    def __init__(self, pieces: Pieces) -> None:
        from fleet.lab.services import DEMO_PASSWORD

        self.pieces = pieces
        self.carla, self.anton, self.tarek = (
            Visitor(pieces.url, email).log_in(DEMO_PASSWORD) for email in (CARLA, ANTON, TAREK)
        )

    def tell(self) -> None:
        self.my_school()
        ticket = self.order()
        change = self.preview(ticket)
        self.approve(change)
        self.proof(ticket, change)
        self.taken_back(change)
        self.fault_and_recovery()

    # --- the main job -----------------------------------------------------------------------------------------------------

    def my_school(self) -> None:
        home = self.carla.page("/")
        must("Gesamtschule Lindenhain" in home and "204" in home, "Carla does not see her school")
        device = self.device()
        wait_for("the first poll", lambda: self._health(device) == "up")
        must(
            self.carla.status("/my-school/999999/") == httpx.codes.NOT_FOUND,
            "a school that is not hers must not exist for Carla",
        )
        say("Carla opens her school: room 204 and its access point are there, and it answers SNMP.")

    def _health(self, device: int) -> str:
        if self.tarek.status(f"/api/v1/health/{device}") != httpx.codes.OK:
            return ""  # not watched yet
        return str(self.tarek.get(f"/health/{device}")["status"])

    def device(self) -> int:
        rows = self.tarek.get("/devices/?page_size=200")["results"]
        return next(int(row["id"]) for row in rows if row["address"] == ADDRESS)

    def order(self) -> str:
        path = "/order/exam-wifi/"
        values = self.carla.form(path)
        now = datetime.now(ZoneInfo("Europe/Berlin"))
        values |= {
            "room": self._room("204"),
            "argument-ssid": SSID,
            "starts_at": "",
            "ends_at": (now + timedelta(seconds=50)).strftime("%Y-%m-%dT%H:%M:%S"),
        }
        first, second = (self.carla.send(path, values) for _ in range(2))
        must("F20" in first.text, "the order got no number")
        numbers = {row["number"] for row in self.carla.get("/tickets/")["results"]}
        must(len(numbers) == 1, f"one order sent twice made {len(numbers)} tickets")
        must(second.is_success, "the second click of a double click failed")
        number = str(numbers.pop())
        say(f"She orders an exam Wi-Fi for room 204, and double-clicks: one ticket, {number}.")
        return number

    def _room(self, number: str) -> str:
        rooms = self.carla.get("/rooms/?page_size=200")["results"]
        return str(next(room["id"] for room in rooms if room["number"] == number))

    def change(self, change: int) -> dict[str, Any]:
        return dict(self.anton.get(f"/changes/{change}"))

    def preview(self, ticket: str) -> int:
        def waiting() -> dict[str, Any] | None:
            rows = self.anton.get("/changes/?state=awaiting-approval")["results"]
            return rows[0] if rows else None

        change = int(wait_for("preview", waiting)["id"])
        host = self.change(change)["runs"][0]["hosts"][0]
        must(SSID in host["diff"][0]["after"], "the preview does not show the network")
        must(self.carla.page(f"/tickets/{ticket}/"), "Carla sees her ticket")
        say(f"Change {change} was checked on the device (--check --diff): {len(host['diff'])} difference, key masked.")
        return change

    def approve(self, change: int) -> None:
        digest = self.change(change)["digest"]
        try:
            self.carla.post(f"/changes/{change}/approve", {"digest": digest})
        except VisitError:
            say("Carla cannot approve it herself.")
        else:
            raise StoryError("Carla approved her own change")
        self.anton.post(f"/changes/{change}/approve", {"digest": digest, "comment": "Viel Erfolg"})
        say("Anton approves.")

    def proof(self, ticket: str, change: int) -> None:
        done = wait_for("the change's end", lambda: self._ended(change))
        must(done["state"] == "confirmed", f"the change ended as {done['state']}")
        evidence = done["runs"][-1]["hosts"][0]["evidence"][0]
        must(SSID in evidence["after"] and SSID not in evidence["before"], f"the evidence is {evidence}")
        say(f"Carried out, and measured over SNMP: before {evidence['before']}, after {evidence['after']}.")
        wait_for("the ticket resolved", lambda: self.carla.get(f"/tickets/{ticket}")["state"] == "resolved")
        page = self.carla.page(f"/tickets/{ticket}/")
        must("Erledigt" in page and SSID in page, "the ticket's page does not show the evidence")
        say(f"Ticket {ticket} has resolved itself, with the evidence, in German.")

    def _ended(self, change: int) -> dict[str, Any] | None:
        row = self.change(change)
        over = {"confirmed", "refuted", "unknown", "failed", "lost", "rejected", "cancelled"}
        return row if row["state"] in over else None

    def taken_back(self, change: int) -> None:
        def box() -> str | None:
            state = str(self.change(change)["box"])
            return state if state in {"reverted", "failed"} else None

        state = wait_for("the end of the time box", box, 120)
        must(state == "reverted", f"the change could not be taken back: {state}")
        last = self.change(change)["runs"][-1]["hosts"][0]["evidence"][0]
        must(SSID not in last["after"], f"the network is still there: {last}")
        say(f"Its time is over: taken back by the same road, measured again: {last['after']}.")

    # --- the other way ----------------------------------------------------------------------------------------------------

    def fault_and_recovery(self) -> None:
        self._lab("fault", "dead", ACCESS_POINT)
        say(f"{ACCESS_POINT} dies.")
        ticket = wait_for("a ticket for the dead access point", self._fault_ticket, 90)
        page = self.tarek.page(f"/tickets/{ticket['number']}/")
        must("204" in page, "the fault's ticket does not name the room")
        say(f"Confirmed, alerted, ticket {ticket['number']}: {ticket['subject']}")
        self._lab("heal", ACCESS_POINT)
        number = ticket["number"]
        wait_for("the fault's ticket resolved", lambda: self.tarek.get(f"/tickets/{number}")["state"] == "resolved", 90)
        must(len(self._fault_tickets()) == 1, "one fault made more than one ticket")
        say(f"It comes back: alert closed, ticket {number} resolved with what was measured.")

    def _fault_tickets(self) -> list[dict[str, Any]]:
        return [row for row in self.tarek.get("/tickets/")["results"] if row["kind"] == "incident"]

    def _fault_ticket(self) -> dict[str, Any] | None:
        return next(iter(self._fault_tickets()), None)

    def _lab(self, *words: str) -> None:
        command = [sys.executable, "manage.py", "lab", *words]
        subprocess.run(command, cwd=BASE_DIR, check=True, stdout=subprocess.DEVNULL)


def main() -> int:
    os.environ |= QUICK
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fleetdesk-story-") as folder:
        try:
            with running(Path(folder), wishes()) as pieces:
                say(f"Everything runs, {pieces.url}")
                try:
                    Story(pieces).tell()
                finally:
                    _forget_runs()
        except (StoryError, VisitError, PiecesError) as error:
            say(f"FAILED: {error}")
            _show_logs(Path(folder))
            return 1
    say(f"The story is true, in {time.monotonic() - begun:.0f} s.")
    return 0


def _forget_runs() -> None:
    """The database goes with the folder, so nobody will ask what an interrupted run did. It lies outside, in memory."""
    from django.conf import settings

    shutil.rmtree(settings.RUN_DIR, ignore_errors=True)


def _show_logs(folder: Path) -> None:
    for log in sorted((folder / "log").glob("*.log")):
        lines = log.read_text(errors="replace").splitlines()[-15:]
        print(f"--- {log.name}", *lines, sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
