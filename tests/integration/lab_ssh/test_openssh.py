"""OpenSSH's client against the lab: commands, terminals, multiplexing, what is refused, what a reboot does."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.lab import faults
from fleet.lab.ssh.server import serve
from tests.integration.lab_ssh.conftest import Lab, run, until


async def test_runs_a_command_and_hands_on_output_errors_and_status(lab: Lab) -> None:
    answer = await lab.ssh(lab.ap, "echo out; echo 'to err' >&2; cat /etc/openwrt_version; exit 7")

    assert answer.status == 7
    assert answer.out.splitlines() == ["out", lab.ap.files["/etc/openwrt_version"].strip()]
    assert answer.err == "to err\n"


async def test_a_batch_from_stdin_reaches_the_air(lab: Lab) -> None:
    batch = """\
set wireless.exam=wifi-iface
set wireless.exam.device='radio1'
set wireless.exam.mode='ap'
set wireless.exam.ssid='Prüfung 204; reboot $(id)'
commit wireless
"""
    answer = await lab.ssh(lab.ap, "uci batch && wifi reload", stdin=batch)

    assert (answer.status, answer.err) == (0, "")
    assert "Prüfung 204; reboot $(id)" in lab.ap.active_ssids["radio1"]


async def test_a_terminal_shows_prompt_and_banner(lab: Lab) -> None:
    answer = await lab.ssh(lab.ap, options=("-tt",), stdin="hostname\nexit 3\n")

    assert answer.status == 3
    assert f"root@{lab.ap.hostname}:~# " in answer.out
    assert lab.ap.device.model in answer.out


async def test_lines_from_a_pipe_are_a_script(lab: Lab) -> None:
    answer = await lab.ssh(lab.ap, stdin="for i in 1 2; do\n echo $i\ndone\ncat <<E\nbody\nE\nfalse\n")

    assert (answer.status, answer.out) == (1, "1\n2\nbody\n")


@pytest.fixture
def control() -> Iterator[str]:
    """A short directory for kept connections: a socket's path has 108 bytes at most (unix(7))."""
    with tempfile.TemporaryDirectory(prefix="cp-") as name:
        yield name


async def test_one_connection_carries_many_commands(lab: Lab, control: str) -> None:
    share = ("-o", f"ControlPath={control}/%h", "-o", "ControlMaster=auto", "-o", "ControlPersist=30")
    await lab.ssh(lab.ap, "true", options=share)
    host = next(host for host in lab.hosts if host.device is lab.ap)

    answers = await asyncio.gather(*(lab.ssh(lab.ap, f"echo {n}", options=share) for n in range(5)))

    assert [answer.out for answer in answers] == [f"{n}\n" for n in range(5)]
    assert len(host.connections) == 1
    await lab.ssh(lab.ap, options=(*share, "-O", "exit"))
    await until(lambda: not host.connections)


async def test_sftp_scp_and_forwarding_are_refused(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    target = f"root@{lab.ap.device.address}:/tmp/file"
    scp = [word if word != "-p" else "-P" for word in lab.ssh_args()]

    for mode in ((), ("-O",)):
        assert (await run(["scp", *mode, *scp, str(tmp_path / "file"), target])).status != 0
    assert (await lab.ssh(lab.ap, "sftp", options=("-s",))).status != 0
    forwarded = await lab.ssh(lab.ap, options=("-W", "127.0.0.1:5432"))

    assert forwarded.status != 0
    assert "/tmp/file" not in lab.ap.files  # noqa: S108 - on the device


async def test_only_the_fleets_key_opens(lab: Lab, tmp_path: Path) -> None:
    await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")])
    strange = [str(tmp_path / "other") if word == str(lab.client_key) else word for word in lab.ssh_args()]

    refused = await run(["ssh", *strange, f"root@{lab.ap.device.address}", "id"])
    wrong_user = await run(["ssh", *lab.ssh_args(), f"nobody@{lab.ap.device.address}", "id"])

    assert (refused.status, refused.out) == (255, "")
    assert (wrong_user.status, wrong_user.out) == (255, "")


async def test_a_job_outlives_its_session_and_dies_with_a_reboot(lab: Lab) -> None:
    started = await lab.ssh(lab.ap, "setsid sh -c 'sleep 600; touch /etc/restored' >/dev/null 2>&1 </dev/null & echo $!")
    pid = started.out.strip()

    assert (await lab.ssh(lab.ap, f"kill -0 {pid} && touch /tmp/volatile /etc/kept")).status == 0
    assert (await lab.ssh(lab.ap, "reboot")).status in (0, 255)
    await until(lambda: not lab.ap.reachable)
    await until(lambda: lab.ap.reachable)

    after = await lab.ssh(lab.ap, f"kill -0 {pid} || echo gone; ls /tmp/volatile /etc/kept; cut -d. -f1 /proc/uptime")
    assert after.out.splitlines()[:2] == ["gone", "/etc/kept"]
    assert int(after.out.splitlines()[2]) < 20


async def test_the_dead_mans_switch_fires_when_nobody_confirms(lab: Lab) -> None:
    before = lab.ap.files["/etc/config/wireless"]

    answer = await lab.ssh(
        lab.ap,
        "cp /etc/config/wireless /tmp/before; uci set wireless.radio0.disabled=1; uci commit; wifi reload;"
        "setsid sh -c 'sleep 4; [ -f /tmp/confirmed ] || { cp /tmp/before /etc/config/wireless; wifi reload; }'"
        " >/dev/null 2>&1 &",
    )

    assert (answer.status, answer.err) == (0, "")
    assert "radio0" not in lab.ap.active_ssids
    await until(lambda: "radio0" in lab.ap.active_ssids)
    assert lab.ap.files["/etc/config/wireless"] == before


async def test_a_session_lasts_as_long_as_a_job_holds_its_output(lab: Lab) -> None:
    answer = await lab.ssh(lab.ap, "(sleep 0.3; echo late) & echo soon")

    assert answer.out == "soon\nlate\n"


async def test_a_reboot_cuts_open_connections(lab: Lab) -> None:
    waiting = asyncio.create_task(lab.ssh(lab.ap, "sleep 600"))
    host = next(host for host in lab.hosts if host.device is lab.ap)
    await until(lambda: host.connections)

    lab.ap.reboot()

    assert (await waiting).status == 255


async def test_what_ran_dies_with_the_reboot(lab: Lab) -> None:
    waiting = asyncio.create_task(lab.ssh(lab.ap, "touch /tmp/begun; while :; do sleep 0.05; date > /etc/alive; done"))
    await until(lambda: "/etc/alive" in lab.ap.files)

    lab.ap.reboot()
    await waiting
    del lab.ap.files["/etc/alive"]
    await until(lambda: lab.ap.reachable)

    assert (await lab.ssh(lab.ap, "sleep 0.2; ls /etc/alive /tmp/begun")).out == ""


async def test_commands_are_not_logged(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    await lab.ssh(lab.ap, "uci set wireless.school_radio0.key=planted-secret; echo planted-secret >&2; nonsense")

    assert "planted-secret" not in caplog.text


async def test_losing_power_over_ethernet_cuts_the_access_point(lab: Lab) -> None:
    waiting = asyncio.create_task(lab.ssh(lab.ap, "sleep 600"))
    host = next(host for host in lab.hosts if host.device is lab.ap)
    await until(lambda: host.connections)
    assert lab.ap.device.uplink is not None
    port = lab.ap.device.uplink.port

    off = await lab.ssh(lab.switch, f"configure terminal\ninterface port{port}\npoe disabled")

    assert off.status == 0
    assert (await waiting).status == 255
    assert (await lab.ssh(lab.ap, "true")).status == 255


async def test_a_dead_device_does_not_answer_and_its_neighbours_do(lab: Lab) -> None:
    lab.world.set_faults([faults.Fault("dead", lab.ap.device.key)])

    assert (await lab.ssh(lab.ap, "true")).status == 255
    assert (await lab.ssh(lab.switch, "show version")).status == 0


async def test_a_slow_device_is_slow(lab: Lab) -> None:
    lab.world.set_faults([faults.Fault("slow", lab.ap.device.key, 60.0)])

    answer = await lab.ssh(lab.ap, "true", options=("-o", "ConnectTimeout=1"))

    assert answer.status == 255
    assert "timed out" in answer.err.lower()


async def test_each_device_has_its_own_host_key(lab: Lab) -> None:
    mixed = lab.known_hosts.read_text().splitlines()
    own = next(line for line in mixed if line.startswith(f"[{lab.ap.device.address}]"))
    other = next(line for line in mixed if not line.startswith(f"[{lab.ap.device.address}]"))
    wrong = lab.home / "wrong_hosts"
    wrong.write_text(f"{own.split()[0]} {' '.join(other.split()[1:])}\n")
    args = [f"UserKnownHostsFile={wrong}" if word.startswith("UserKnownHostsFile") else word for word in lab.ssh_args()]

    answer = await run(["ssh", *args, f"root@{lab.ap.device.address}", "true"])

    assert answer.status == 255
    assert "host key" in answer.err.lower()


async def test_the_switch_takes_several_lines_and_ends_with_one_on_nonsense(lab: Lab) -> None:
    good = await lab.ssh(lab.switch, "configure terminal\nntp server 127.0.0.1\nend\nwrite memory\nshow running-config")
    bad = await lab.ssh(lab.switch, "configure terminal\nntp servant 1\nhostname never")

    assert good.status == 0
    assert "ntp server 127.0.0.1" in good.out
    assert lab.switch.startup_config.ntp == ["127.0.0.1"]
    assert bad.status == 1
    assert bad.out == "% Invalid input: ntp servant 1\n"
    assert lab.switch.hostname != "never"


async def test_the_switch_prompts_in_a_terminal(lab: Lab) -> None:
    answer = await lab.ssh(lab.switch, options=("-tt",), stdin="configure terminal\nhostname sw-neu\nend\nexit\n")

    assert answer.status == 0
    assert f"{lab.switch.device.key}(config)# " in answer.out
    assert "sw-neu# " in answer.out


async def test_a_taken_address_is_told(lab: Lab) -> None:
    with pytest.raises(OSError, match="in use"):
        async with serve(lab.world, lab.port, lab.keys):
            pass


async def test_output_without_end_is_cut_off(lab: Lab) -> None:
    answer = await lab.ssh(lab.ap, "while :; do echo 0123456789; done")

    assert answer.status == 137
    assert len(answer.out) < 5 * 1024 * 1024
