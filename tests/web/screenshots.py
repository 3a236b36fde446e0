"""`make screenshots`: the README's pictures, taken from a demo that something has happened in."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, Page, sync_playwright

from config.demo.visitor import Visitor
from config.env import BASE_DIR
from tests.web.settled import SETTLED

PASSWORD = "school-bell-at-eight"
PICTURES = BASE_DIR / "docs" / "screenshots"
QUICK = {"POLL_INTERVAL_S": "5", "POLL_RETRY_S": "1"}
CARLA, TAREK, ANTON = "carla.lindgruen", "tarek.kabel", "anton.leitner"
WIDTHS = {1280: 900, 375: 812}
LONGEST_PHONE = 1800


def wait_for(look: Callable[[], Any], limit_s: float = 90) -> Any:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.5)
    sys.exit("the demo did not get that far")


@contextmanager
def demo() -> Iterator[tuple[str, dict[str, str]]]:
    with tempfile.TemporaryDirectory(prefix="fleetdesk-pictures-") as folder:
        environment = os.environ | QUICK | {"VAR_DIR": folder, "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "config.demo"]
        main = subprocess.Popen(command, cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            for line in main.stdout or ():
                if match := re.search(r"running:\s+(http://\S+)", line):
                    yield match.group(1), environment
                    return
            sys.exit("the demo did not start")
        finally:
            main.send_signal(signal.SIGINT)
            main.wait(timeout=60)


def visitor(url: str, name: str) -> Visitor:
    return Visitor(url, f"{name}@musterstadt.example").log_in(PASSWORD)


def live(url: str, environment: dict[str, str]) -> dict[str, str]:
    """Let something happen, and say where it can be seen: {what: address}."""
    carla, tarek, anton = (visitor(url, name) for name in (CARLA, TAREK, ANTON))
    rooms = {row["number"]: row["id"] for row in carla.get("/rooms/?page_size=200")["results"]}
    devices = {row["name"]: row["id"] for row in tarek.get("/devices/?page_size=200")["results"]}
    first = _exam(carla, rooms["204"], "Pruefung-204")
    change = wait_for(lambda: (anton.get("/changes/?state=awaiting-approval")["results"] or [None])[0])
    anton.post(f"/changes/{change['id']}/approve", {"digest": change["digest"], "comment": "Viel Erfolg"})
    wait_for(lambda: anton.get(f"/changes/{change['id']}")["state"] == "confirmed")
    subprocess.run(
        [sys.executable, "manage.py", "lab", "fault", "dead", "lindenhain-ap-102"], cwd=BASE_DIR, env=environment, check=True
    )
    wait_for(lambda: tarek.get("/alerts/?open=true")["results"])
    _exam(carla, rooms["201"], "Pruefung-201")
    wait_for(lambda: anton.get("/changes/?state=awaiting-approval")["results"])
    fault = wait_for(lambda: next((t for t in tarek.get("/tickets/")["results"] if t["kind"] == "incident"), None))
    tarek.send(f"/tickets/{fault['number']}/take/", {"seen_owner": ""})
    school = carla.get("/sites/")["results"][0]["id"]
    return {
        "ticket": f"/tickets/{first}/",
        "fault": f"/tickets/{fault['number']}/",
        "change": f"/changes/{change['id']}/",
        "device": f"/devices/{devices['Access Point 204']}/",
        "switch": f"/devices/{devices['Switch 1']}/",
        "site": f"/sites/{school}/",
        "school": f"/my-school/{school}/",
    }


def _exam(carla: Visitor, room: int, ssid: str) -> str:
    known = {row["number"] for row in carla.get("/tickets/")["results"]}
    ends = (datetime.now(ZoneInfo("Europe/Berlin")) + timedelta(hours=5)).strftime("%Y-%m-%dT%H:%M:%S")
    values = carla.form("/order/exam-wifi/") | {"room": room, "argument-ssid": ssid, "ends_at": ends}
    carla.send("/order/exam-wifi/", values)
    return next(str(row["number"]) for row in carla.get("/tickets/")["results"] if row["number"] not in known)


def _height(page: Page, width: int) -> int:
    """On the phone a long screen rather than a stitched page: its bar belongs at the bottom, not in the middle."""
    if width != min(WIDTHS):
        return WIDTHS[width]
    return min(max(WIDTHS[width], page.evaluate("document.documentElement.scrollHeight")), LONGEST_PHONE)


def take(browser: Browser, url: str, person: str, pages: dict[str, str], scheme: str = "light") -> None:
    for width, height in WIDTHS.items():
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale="de-DE", color_scheme=scheme, reduced_motion="reduce"
        )
        page = context.new_page()
        page.goto(f"{url}/accounts/login/")
        page.fill("input[name=login]", f"{person}@musterstadt.example")
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        page.wait_for_load_state("networkidle")
        for name, address in pages.items():
            page.goto(url + address)
            page.evaluate(SETTLED)
            suffix = "" if scheme == "light" else f"-{scheme}"
            page.set_viewport_size({"width": width, "height": _height(page, width)})
            page.screenshot(path=PICTURES / f"{name}-{width}{suffix}.png")
            page.set_viewport_size({"width": width, "height": height})
        context.close()


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    with demo() as (url, environment), sync_playwright() as playwright:
        seen = live(url, environment)
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        coordinator = {"coordinator-home": "/", "coordinator-school": seen["school"], "coordinator-report": "/report/"}
        coordinator |= {"coordinator-order": "/order/exam-wifi/", "coordinator-ticket": seen["ticket"]}
        technician = {
            "technician-faults": "/faults/",
            "technician-device": seen["device"],
            "technician-ticket": seen["fault"],
            "technician-on-site": "/tickets/on-site/",
            "technician-switch": seen["switch"],
            "technician-site": seen["site"],
        }
        administrator = {"administrator-morning": "/", "administrator-change": seen["change"]}
        administrator |= {"administrator-approvals": "/approvals/", "administrator-devices": "/devices/"}
        administrator |= {"administrator-city": "/sites/"}
        take(browser, url, CARLA, coordinator)
        take(browser, url, TAREK, technician)
        take(browser, url, ANTON, administrator)
        take(browser, url, TAREK, {"technician-faults": "/faults/"}, "dark")
        browser.close()
    print(f"{len(list(PICTURES.glob('*.png')))} pictures in {Path(PICTURES).relative_to(BASE_DIR)}")


if __name__ == "__main__":
    main()
