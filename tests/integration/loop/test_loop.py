"""What must hold when things go wrong, on the whole product: killed workers, double orders, changes without effect."""

import signal
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from fleet.lab.city import SnmpV2c, SnmpV3, demo_city
from tests.integration.loop.conftest import House, wait_for

pytestmark = pytest.mark.timeout(300)
PSK = "gepflanzt-7Kx2-9mQw"


def _apply_runs(change: dict[str, Any]) -> list[dict[str, Any]]:
    return [run for run in change["runs"] if run["kind"] == "apply"]


def _marked(house: House) -> list[psutil.Process]:
    """Processes of playbook runs of this house that are still alive."""
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
            ours = environment.get("FLEETDESK_RUN") and str(house.var_dir) in " ".join(process.cmdline())
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:  # it has ended meanwhile
            continue
    return found


def test_a_killed_worker_leaves_a_lost_run_that_is_not_repeated(house: House) -> None:
    change = house.order("ap-restart", device=house.device("Access Point 101"))["id"]
    wait_for("the playbook", lambda: house.in_state(change, "running") and _marked(house))

    house.process("-n automation@").send_signal(signal.SIGKILL)

    lost = wait_for("the loss to be noticed", lambda: house.in_state(change, "lost"), 60)
    assert [run["state"] for run in _apply_runs(lost)] == ["lost"]
    wait_for("the run's processes to be gone", lambda: not _marked(house), 10)
    wait_for("the ticket to say so", lambda: (house.noticed(change, "change-lost") or {}).get("state") == "open")
    page = house.tarek.page(f"/changes/{change}/")
    assert "Prüfen und erneut versuchen" in page
    assert not list((house.var_dir / "runs").glob("run-*")), "the private directory must be gone"

    house.tarek.post(f"/changes/{change}/check-and-retry", {})

    retried = house.end(change)
    assert retried["state"] == "confirmed"
    assert [run["state"] for run in _apply_runs(retried)] == ["lost", "succeeded"]


def test_the_second_change_of_a_device_waits_visibly_and_runs_after(house: House) -> None:
    device = house.device("Access Point 102")
    first = house.order("ap-restart", device=device)["id"]
    second = house.order("ap-restart", device=device)["id"]

    ticket = wait_for("the second one to wait", lambda: house.noticed(second, "change-waiting"))
    ends = [house.end(first), house.end(second)]

    assert ticket["articles"]
    assert [end["state"] for end in ends] == ["confirmed", "confirmed"]
    spans = sorted(
        (datetime.fromisoformat(run["started_at"]), datetime.fromisoformat(run["finished_at"]))
        for end in ends
        for run in _apply_runs(end)
    )
    assert spans[0][1] <= spans[1][0], "two runs touched one device at the same time"


def test_a_configuration_that_does_not_take_is_refuted_and_goes_to_a_technician(house: House) -> None:
    house.lab("fault", "config-does-not-take", "lindenhain-ap-201")
    try:
        change = house.exam("201", "Nimmt-nicht")["id"]
        house.approve(change)
        end = house.end(change, 150)
    finally:
        house.lab("heal", "lindenhain-ap-201")

    assert end["state"] == "refuted"
    assert _apply_runs(end)[-1]["hosts"][0]["state"] == "changed", "Ansible believed that it worked"
    ticket = wait_for("the ticket to say so", lambda: house.noticed(change, "change-refuted"))
    assert ticket["state"] == "open"
    assert ticket["priority"] == 3
    evidence = next(a for a in ticket["articles"] if a["notice"] == "change-refuted")["details"]["evidence"]
    assert "Nimmt-nicht" not in evidence[0]["after"]


@pytest.mark.parametrize("text", ["{{lookup('pipe','touch PWND')}}", "; reboot", "../../etc/passwd", "$(reboot)`id`"])
def test_text_reaches_the_device_as_text(house: House, text: str) -> None:
    change = house.exam("203", text)["id"]
    house.approve(change)

    end = house.end(change)

    assert end["state"] == "confirmed", end
    evidence = _apply_runs(end)[-1]["hosts"][0]["evidence"][0]
    assert text in evidence["after"]
    assert not list(house.var_dir.rglob("PWND"))
    assert not Path("PWND").exists()


def test_a_running_change_can_be_stopped_and_nothing_of_it_lives_on(house: House) -> None:
    change = house.order("ap-restart", device=house.device("Access Point 103"))["id"]
    wait_for("the playbook", lambda: house.in_state(change, "running") and _marked(house))

    house.tarek.post(f"/changes/{change}/cancel", {})

    end = house.end(change, 20)
    assert end["state"] == "cancelled"
    wait_for("the run's processes to be gone", lambda: not _marked(house), 5)
    again = house.order("ap-restart", device=house.device("Access Point 103"))["id"]
    assert house.end(again)["state"] == "confirmed", "the device is free again"


def test_a_killed_poll_worker_loses_nothing(house: House) -> None:
    house.process("-n polling@").send_signal(signal.SIGKILL)
    house.lab("fault", "dead", "lindenhain-ap-301")

    def found(state: str) -> dict[str, Any] | None:
        rows = house.tarek.get("/tickets/?page_size=200")["results"]
        return next((row for row in rows if "301" in row["subject"] and row["state"] == state), None)

    ticket = wait_for("the fault's ticket", lambda: found("new"), 90)
    house.lab("heal", "lindenhain-ap-301")

    resolved = wait_for("its end", lambda: found("resolved"), 90)
    assert resolved["number"] == ticket["number"]


def _snmp_secrets() -> set[str]:
    """Communities and keys that the demo's devices are asked with."""
    found: set[str] = set()
    for device in demo_city().devices:
        match device.snmp:
            case SnmpV2c(community):
                found.add(community)
            case SnmpV3() as user:
                found |= {user.auth_password, user.priv_password}
    return found


def test_planted_secrets_are_nowhere_in_clear(house: House) -> None:
    change = house.exam("204", "Geheim", **{"argument-psk": PSK})["id"]
    house.approve(change)
    assert house.end(change)["state"] == "confirmed"
    key = (house.var_dir / "lab" / "keys" / "client_ed25519").read_text().splitlines()[2]
    secrets = {PSK, key, *_snmp_secrets()}
    ticket = wait_for("the ticket", lambda: house.noticed(change, "change-confirmed"))

    seen = [
        house.anton.page(f"/changes/{change}/"),
        house.carla.page(f"/tickets/{ticket['number']}/"),
        str(house.change(change)),
        str(house.anton.get(f"/changes/{change}/runs/{house.change(change)['runs'][-1]['id']}/log")),
        *(str(house.anton.get(f"/devices/{pk}")) for pk in (house.device("Access Point 204"),)),
    ]

    assert not [text for text in seen for secret in secrets if secret in text]
    own = {"lab", "secret_key", "encryption_key"}  # the simulated devices' own side, and the keys themselves
    for path in house.var_dir.rglob("*"):
        if path.is_file() and path.relative_to(house.var_dir).parts[0] not in own:
            content = path.read_bytes()
            assert not [secret for secret in secrets if secret.encode() in content], path


def test_nothing_is_left_in_the_home_of_whoever_starts_it(house: House) -> None:
    change = house.order("ap-restart", device=house.device("Access Point 202"))["id"]
    assert house.end(change)["state"] == "confirmed"

    assert not list(Path(house.environment["HOME"]).rglob("*"))
