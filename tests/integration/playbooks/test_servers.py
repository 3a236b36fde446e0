"""The playbooks for servers, on OpenSSH's own sshd over loopback; the system's files are those of a directory."""

import getpass
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.lab_ssh.conftest import until
from tests.integration.playbooks.conftest import Played
from tests.integration.playbooks.servers import PATHS, Server, at_work, needs_sshd, serving

pytestmark = needs_sshd
COMMUNITY = "pl4nted-{{x}}';$(id)"
GIVEN = {
    "ntp_servers": ["ntp1.musterstadt.example", "192.0.2.9"],
    "syslog_host": "log.musterstadt.example",
    "snmp_contact": "IT {{ lookup('pipe', 'id') }} '; $(id)",
    "snmp_community": COMMUNITY,
    "banner": "Nur für Befugte {{ x }}",
}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path) as made:
        yield made


async def test_a_server_gets_its_base_configuration_and_keys_once(server: Server) -> None:
    books = ["baseline", "ssh-key-rotate"]
    given = GIVEN | {"public_keys": [(server.home / "client.pub").read_text().rsplit(" ", 1)[0]]}

    checked = await server.play(books, given, "--check")
    untouched = [path for path in server.root.rglob("*") if path.is_file()]
    done, again = await server.play(books, given), await server.play(books, given)

    assert (checked.status, done.status, again.status) == (0, 0, 0), checked.out + done.out + again.out
    assert untouched == []
    assert _without_paths(checked.out) == _without_paths(done.out)
    assert done.tasks()["server"].count("changed") == 5, done.out
    assert again.changed == 0, again.out
    assert "pl4nted" not in checked.out + done.out + again.out
    said = {path.name: path.read_text() for path in server.root.rglob("*") if path.is_file()}
    assert said == {
        "timesyncd.conf": "[Time]\nNTP=ntp1.musterstadt.example 192.0.2.9\n",
        "90-fleetdesk.conf": "*.* @log.musterstadt.example:514\n",
        "fleetdesk.conf": f"sysContact {GIVEN['snmp_contact']}\nrocommunity {COMMUNITY}\n",
        "issue.net": f"{GIVEN['banner']}\n",
        "authorized_keys": f"{given['public_keys'][0]}\n",
    }


async def test_what_is_not_given_stays_as_it_is_on_a_server(server: Server) -> None:
    assert (await server.play(["baseline"], GIVEN)).status == 0
    before = {path: path.read_text() for path in server.root.rglob("*") if path.is_file()}

    done = await server.play(["baseline"], {"snmp_contact": "IT Neustadt"})

    assert (done.status, done.changed) == (0, 1), done.out
    after = {path: path.read_text() for path in before}
    (changed,) = [path for path in before if before[path] != after[path]]
    assert after[changed] == f"sysContact IT Neustadt\nrocommunity {COMMUNITY}\n"
    assert "pl4nted" not in done.out


async def test_its_base_configuration_is_taken_back_from_a_backup(server: Server) -> None:
    """What was there is there again as it was, byte by byte; what was not is gone."""
    etc = server.root / "etc"
    (etc / "systemd/timesyncd.conf").write_bytes(b"[Time]\n# NTP=\nNTP=old.musterstadt.example")
    (etc / "snmp/snmpd.conf.d/fleetdesk.conf").write_text("rocommunity pl4nted-before\n")
    (etc / "snmp/snmpd.conf.d/fleetdesk.conf").chmod(0o640)
    (etc / "issue.net").write_text("# file 644 /etc/issue.net\n#| {{ x }}\n\n# done\n#\\\n")
    (etc / "rsyslog.d/50-default.conf").write_text("*.* -/var/log/syslog\n")
    before = everything(etc)
    given = {"backup": 1, "fleetdesk_configuration": await kept(server)}
    assert (await server.play(["baseline"], GIVEN)).status == 0
    (etc / "rsyslog.d/50-default.conf").write_text("somebody's own since\n")
    since = everything(etc)

    checked = await server.play(["restore"], given, "--check")
    assert everything(etc) == since
    done, again = await server.play(["restore"], given, "-vvv"), await server.play(["restore"], given)

    assert [one.status for one in (checked, done, again)] == [0, 0, 0], checked.out + done.out + again.out
    assert (checked.changed, again.changed) == (2, 0), checked.out + again.out
    assert everything(etc) == before | {"rsyslog.d/50-default.conf": since["rsyslog.d/50-default.conf"]}
    assert "pl4nted" not in checked.out + done.out + again.out


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("su"), reason="needs root, who may become anybody")
async def test_it_is_read_as_who_the_server_wants_and_whole_or_not_at_all(server: Server) -> None:
    nobody = {"server_become": True, "ansible_become_method": "su", "ansible_become_user": "nobody"}
    nobody |= {"ansible_become_flags": "-s /bin/sh"}
    with tempfile.TemporaryDirectory() as root:
        file = Path(root) / "etc/issue.net"
        file.parent.mkdir()
        file.write_text("as it was\n")
        file.parents[1].chmod(0o755)
        file.chmod(0o600)

        refused = await server.play(["backup"], {}, "-v", server_root=root, **nobody)

        assert refused.status != 0
        assert "the device does not show its configuration" in refused.out
        assert "Permission denied" in refused.out, refused.out
        file.chmod(0o644)
        assert "#| as it was\n" in await kept(server, server_root=root, **nobody)


@pytest.mark.parametrize("text", ["### /etc/issue.net\nold way\n", "# server\n# file 644 /etc/issue.net\n#| cut o"])
async def test_a_text_that_is_not_whole_takes_nothing_away(server: Server, text: str) -> None:
    (server.root / "etc/issue.net").write_text("stays\n")

    played = await server.play(["restore"], {"backup": 1, "fleetdesk_configuration": text})

    assert played.status != 0
    assert everything(server.root) == {"etc/issue.net": (b"stays\n", 0o644)}


def everything(root: Path) -> dict[str, tuple[bytes, int]]:
    files = [path for path in root.rglob("*") if path.is_file()]
    return {str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mode & 0o777) for path in files}


async def kept(server: Server, **more: Any) -> str:
    played = await server.play(["backup"], {}, "-v", **more)
    text = re.search(r'"fleetdesk_configuration": ("(?:[^"\\]|\\.)*")', played.out)
    assert text, played.out
    return str(json.loads(text[1]))


def _without_paths(out: str) -> str:
    """Where the controller keeps a text before it is copied is called differently each time."""
    return re.sub(r"(?m)^\+\+\+ after.*$", "", out)


async def test_exactly_the_old_key_goes_and_other_peoples_stay(server: Server) -> None:
    ours = (server.home / "client.pub").read_text().rsplit(" ", 1)[0]
    alien, old = (f"ssh-ed25519 {'A' * 40}{letter}" for letter in "BC")
    keys = server.root / "authorized_keys"
    keys.write_text(f'no-pty,command="echo {{{{ x }}}}" {alien} Fremde\n# note\n{old} old\nfrom="127.0.0.1" {ours} ours\n')
    rotation = {"public_keys": [ours], "retired_keys": [f"{old} whoever"]}

    checked = await server.play(["ssh-key-rotate"], rotation, "--check")
    done, again = await server.play(["ssh-key-rotate"], rotation), await server.play(["ssh-key-rotate"], rotation)

    assert [(one.status, one.changed) for one in (checked, done, again)] == [(0, 1), (0, 1), (0, 0)], done.out + again.out
    assert keys.read_text() == (f'no-pty,command="echo {{{{ x }}}}" {alien} Fremde\n# note\nfrom="127.0.0.1" {ours} ours\n')


@dataclass(frozen=True)
class Pair:
    certificate: str
    key: str


def certified(home: Path, name: str, days: int = 90) -> Pair:
    """A certificate of its own with its key, made by openssl."""
    key, pem = home / f"{name}.key", home / f"{name}.pem"
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    make += ["-days", str(days), "-subj", f"/CN={name}.musterstadt.example", "-keyout", str(key), "-out", str(pem)]
    subprocess.run(make, check=True, capture_output=True)
    return Pair(pem.read_text(), key.read_text())


async def test_a_radius_server_gets_a_certificate_that_fits_or_keeps_the_old_one(server: Server) -> None:
    first, second, ending = (certified(server.home, name, days) for name, days in (("a", 90), ("b", 90), ("c", 3)))
    folder = server.root / "certificates"
    folder.mkdir()
    here = {"radius_certificates": "/certificates", "radius_group": getpass.getuser()}
    here["radius_check"] = ["openssl", "pkey", "-in", str(folder / "server.key"), "-noout"]  # type: ignore[assignment]

    async def play(pair: Pair, *options: str, key: str = "", **more: Any) -> Played:
        given = {"certificate": pair.certificate, "private_key": key or pair.key}
        return await server.play(["radius-certificate"], given, *options, **here | more)

    checked = await play(first, "--check")
    assert not list(folder.iterdir())
    done, again = await play(first), await play(first)
    refused = [await play(second, key=first.key), await play(ending), await play(second, radius_check=["false"])]

    assert (checked.status, checked.changed) == (0, 1), checked.out
    assert [(one.status, one.changed) for one in (done, again)] == [(0, 1), (0, 0)], done.out + again.out
    assert all(one.status for one in refused)
    assert "The private key is not that of the certificate." in refused[0].out
    assert "The service did not take the certificate; the old one is back." in refused[2].out
    assert (folder / "server.pem").read_text() == first.certificate
    assert (folder / "server.key").read_text() == first.key
    assert (folder / "server.key").stat().st_mode & 0o777 == 0o640
    body = first.key.splitlines()[1]
    assert all(body not in one.out for one in (checked, done, again, *refused))
    (folder / "server.pem").unlink()
    (folder / "server.key").unlink()
    await play(second, radius_check=["false"])
    assert not list(folder.iterdir()), "what was not there before is taken away"


SLOW = """#!/bin/sh
: >{root}/begun
sleep 600
: >{root}/written
"""
NO_QUEUE = "#!/bin/sh\necho 'lpstat: Invalid destination name in list' >&2\nexit 1\n"


async def test_nothing_goes_on_there_after_a_run_was_cut_off(tmp_path: Path) -> None:
    """Programs that take their time stand in for those of CUPS."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("lpadmin", SLOW.format(root=tmp_path / "root")), ("lpstat", NO_QUEUE)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    async with serving(tmp_path, {"PATH": f"{programs}:{PATHS}"}) as server:
        playing = await server.begin(["printer-queue"], {"queue": "Raum204", "printer_host": "192.0.2.1"})
        await until((server.root / "begun").exists)

        await server.cut_off(playing)

        await until(lambda: not at_work(str(programs)))
    assert not (tmp_path / "root" / "written").exists()


async def test_what_could_be_a_command_is_no_queue_and_no_time(server: Server) -> None:
    for book, wrong in (
        ("printer-queue", {"queue": "-x; reboot", "printer_host": "192.0.2.1"}),
        ("linux-updates", {"reboot_at": "now; reboot"}),
    ):
        played = await server.play([book], wrong)
        assert (played.status != 0, played.changed) == (True, 0), played.out
