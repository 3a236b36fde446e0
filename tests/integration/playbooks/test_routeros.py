"""MikroTik devices: a console that keeps RouterOS's menus, quoting and refusals, behind a real SSH server on loopback.

It is written from the manual and knows nothing of our plug-in; it is no proof for a real device.
"""

import json
import re
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from fleet.automation.execution.private import to_yaml, unsafe
from tests.integration.lab_ssh.conftest import free_port, run
from tests.integration.playbooks.conftest import ROOT, Played, command_environment

COMMUNITY = "pl4nted-{{x}}';$(id)"
BASELINE: dict[str, Any] = {
    "ntp_servers": ["ntp1.musterstadt.example", "192.0.2.9"],
    "syslog_host": "192.0.2.7",
    "snmp_contact": 'IT {{ lookup("pipe", "id") }} "; /system reset-configuration; $x [/quit] ?',
    "snmp_community": COMMUNITY,
    "banner": "Nur für Befugte {{ x }} \\ ;",
}
COMMAND = re.compile(r"(/[a-z /]+?) (set|add|remove)(?: (\[find [^\]]*\]))? ?(.*)")
PROPERTY = re.compile(r'([a-z-]+)=("(?:[^"\\]|\\.)*"|\S+)')


class Console:
    """Menus with items; numbered where there are several, as an export says them."""

    def __init__(self) -> None:
        self.menus: dict[str, list[dict[str, str]]] = {
            "/snmp": [{}],
            "/snmp community": [{"default": "yes", "name": "public"}],
            "/system logging action": [{"name": name} for name in ("memory", "disk", "echo", "remote")],
            "/system logging": [{"topics": "critical", "action": "echo"}],
            "/system note": [{}],
            "/system ntp client": [{}],
            "/system ntp client servers": [{"address": "old.musterstadt.example"}],
        }
        self.refused = ""
        """A menu that takes nothing."""

    def execute(self, command: str) -> str:
        if command.startswith("/export"):
            return self.export()
        return "".join(self._line(line) for line in command.split("\n") if line)

    def _line(self, line: str) -> str:
        found = COMMAND.fullmatch(line)
        if found is None or found[1] not in self.menus:
            return "bad command name (line 1 column 1)\r\n"
        if found[1] == self.refused:
            return "failure: not allowed\r\n"
        path, verb, where, rest = found.groups()
        said = {name: self._plain(word) for name, word in PROPERTY.findall(rest)}
        items = self.menus[path]
        chosen = [one for one in items if self._where(where).items() <= one.items()]
        if verb == "add":
            items.append(said)
        elif verb == "remove":
            self.menus[path] = [one for one in items if one not in chosen]
        else:
            for one in chosen:
                one.update(said)
        return ""

    def _where(self, where: str | None) -> dict[str, str]:
        return {name: self._plain(word) for name, word in PROPERTY.findall((where or "").strip("[]"))}

    @staticmethod
    def _plain(word: str) -> str:
        """Inside quotes `\\XX` is a byte; `$` and `[` unescaped would be looked up."""
        if not word.startswith('"'):
            return word
        assert not re.search(r"(?<!\\)[$\[]", word), "this would be evaluated"
        raw = re.sub(rb"\\([0-9A-F]{2})", lambda found: bytes.fromhex(found[1].decode()), word[1:-1].encode())
        return raw.decode()

    def export(self) -> str:
        lines = ["# 2026-11-26 05:00:00 by RouterOS 7.16.1", "# software id = ABCD-1234", "#"]
        for path, items in self.menus.items():
            for number, one in enumerate(items):
                if path in {"/system logging", "/system ntp client servers"}:
                    lines.append(f"{path} add {self._shown(one)}")
                elif shown := self._shown({k: v for k, v in one.items() if k != "default" and v != "no"}, path):
                    numbers = {"/system logging action": f"{number} ", "/snmp community": "[ find default=yes ] "}
                    lines.append(f"{path} set {numbers.get(path, '')}{shown}")
        return "\r\n".join([*lines, ""])

    @staticmethod
    def _shown(one: dict[str, str], path: str = "") -> str:
        silent = {
            ("/system logging action", "name"),
            ("/system logging action", "remote", "0.0.0.0"),
            ("/system note", "show-at-login", "yes"),
            ("/snmp community", "name", "public"),
        }
        words = []
        for name, value in sorted(one.items()):
            if not value or (path, name) in silent or (path, name, value) in silent:
                continue
            escaped = "".join(
                c
                if c.isascii() and c not in '"\\$?'
                else f"\\{c}"
                if c.isascii()
                else "".join(f"\\{b:02X}" for b in c.encode())
                for c in value
            )
            words.append(f"{name}={value}" if re.fullmatch(r"[A-Za-z0-9.,:-]+", value) else f'{name}="{escaped}"')
        return " ".join(words)


class Router:
    def __init__(self, home: Path, port: int, control: str) -> None:
        self.home, self.port, self.control, self.console = home, port, control, Console()

    def serve(self, process: "asyncssh.SSHServerProcess[str]") -> None:
        process.stdout.write(self.console.execute(process.command or ""))
        process.exit(0)

    async def play(self, book: str, arguments: dict[str, Any], *options: str) -> Played:
        inventory = {"ansible_host": "127.0.0.1", "ansible_port": self.port, "ansible_user": "admin"}
        (self.home / "inventory").mkdir(exist_ok=True)
        (self.home / "inventory" / "group_vars").unlink(missing_ok=True)
        (self.home / "inventory" / "group_vars").symlink_to(ROOT / "inventory" / "group_vars")
        hosts = {"all": {"children": {"routeros": {"hosts": {"router": inventory}}}}}
        (self.home / "inventory" / "hosts.yml").write_text(to_yaml(hosts))
        (self.home / "arguments.yml").write_text(to_yaml(unsafe(arguments)))
        argv = ["ansible-playbook", "--diff", "-i", str(self.home / "inventory"), "-e", f"@{self.home / 'arguments.yml'}"]
        environment = command_environment(self.home, self.home / "known_hosts", self.home / "client", self.control)
        answer = await run([*argv, *options, str(ROOT / "playbooks" / book / "playbook.yml")], env=environment)
        return Played(answer.status, answer.out + answer.err)


@pytest.fixture
async def router(tmp_path: Path) -> AsyncIterator[Router]:
    port = free_port()
    for name in ("host", "client"):
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(tmp_path / name)
        (tmp_path / name).chmod(0o600)
    host = asyncssh.read_private_key(tmp_path / "host")
    client = asyncssh.read_private_key(tmp_path / "client").convert_to_public()
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{port} {host.export_public_key().decode()}")
    client.write_public_key(tmp_path / "authorized")
    with tempfile.TemporaryDirectory(prefix="cp") as control:
        made = Router(tmp_path, port, control)
        options: dict[str, Any] = {"server_host_keys": [host], "authorized_client_keys": str(tmp_path / "authorized")}
        async with asyncssh.listen("127.0.0.1", port, process_factory=made.serve, **options):
            yield made


async def test_it_gets_its_base_configuration_as_text_and_once(router: Router) -> None:
    factory = router.console.export()
    checked = await router.play("baseline", BASELINE, "--check")
    assert router.console.export() == factory
    done, again = await router.play("baseline", BASELINE), await router.play("baseline", BASELINE)

    assert [(one.status, one.changed) for one in (checked, done, again)] == [(0, 1), (0, 1), (0, 0)], done.out + again.out
    assert checked.out == done.out
    assert "pl4nted" not in checked.out + done.out + again.out
    menus = router.console.menus
    assert [one["address"] for one in menus["/system ntp client servers"]] == BASELINE["ntp_servers"]
    assert menus["/system ntp client"] == [{"enabled": "yes"}]
    assert menus["/system logging action"][3]["remote"] == BASELINE["syslog_host"]
    assert {"action": "remote", "topics": "info"} in menus["/system logging"]
    assert menus["/snmp"] == [{"enabled": "yes", "contact": BASELINE["snmp_contact"]}]
    assert menus["/snmp community"][0]["name"] == COMMUNITY
    assert menus["/system note"] == [{"note": BASELINE["banner"], "show-at-login": "yes"}]


async def test_its_base_configuration_is_taken_back_from_a_backup(router: Router) -> None:
    before = router.console.export()
    given = {"backup": 1, "fleetdesk_configuration": await kept(router)}
    assert (await router.play("baseline", BASELINE)).status == 0
    assert router.console.export() != before

    checked = await router.play("restore", given, "--check")
    assert router.console.export() != before
    done, again = await router.play("restore", given), await router.play("restore", given)

    assert [(one.status, one.changed) for one in (checked, done, again)] == [(0, 1), (0, 1), (0, 0)], done.out + again.out
    assert router.console.export() == before
    assert "pl4nted" not in checked.out + done.out + again.out


async def test_what_it_refuses_is_taken_back(router: Router) -> None:
    factory, router.console.refused = router.console.menus["/system ntp client servers"], "/snmp"

    played = await router.play("baseline", BASELINE)

    assert played.status != 0
    assert "did not take the configuration, rolled back: failure: not allowed" in played.out
    assert router.console.menus["/system ntp client servers"] == factory
    assert router.console.menus["/snmp community"][0]["name"] == "public"
    assert "pl4nted" not in played.out


async def kept(router: Router) -> str:
    played = await router.play("backup", {}, "-v")
    text = re.search(r'"fleetdesk_configuration": ("(?:[^"\\]|\\.)*")', played.out)
    assert text, played.out
    return str(json.loads(text[1]))


async def test_its_configuration_is_fetched(router: Router) -> None:
    assert (await kept(router)).replace("\r", "") == router.console.export().replace("\r", "")
