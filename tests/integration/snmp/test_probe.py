import io
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import CommandError, call_command


def _probe(*arguments: str) -> str:
    out = io.StringIO()
    call_command("probe", *arguments, stdout=out)
    return out.getvalue()


def test_json(net_beside: Any) -> None:
    printed = _probe("127.0.0.1", "--port", str(net_beside.port), "--community", "test-community", "--json")

    reading = json.loads(printed)
    assert (reading["reachable"], reading["kind"], reading["sysName"]) == (True, "access-point", "ap-204")
    assert reading["serial"] is None


@pytest.mark.parametrize(("auth", "priv"), [("SHA256", "aes128"), ("SHA-256", "AES")])
def test_sentences_and_v3(net_beside: Any, auth: str, priv: str) -> None:
    keys = ("--auth", auth, "--auth-key", "authentication", "--priv", priv, "--priv-key", "privacy-key")

    printed = _probe("127.0.0.1", "--port", str(net_beside.port), "--v3-user", "netz", *keys)

    assert "ap-204: access-point (profile openwrt)" in printed
    assert "eth0" in printed


@contextmanager
def _only_v1(port: int) -> Iterator[int]:
    """A way to the agent at this port on which everything but SNMPv1 is lost."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as front, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as back:
        front.bind(("127.0.0.1", 0))
        back.settimeout(5)

        def relay() -> None:
            while (got := front.recvfrom(65_535))[0]:
                asked, peer = got
                if asked[asked.index(b"\x02\x01") + 2] == 0:  # the message's version
                    back.sendto(asked, ("127.0.0.1", port))
                    front.sendto(back.recv(65_535), peer)

        thread = threading.Thread(target=relay)
        thread.start()
        yield front.getsockname()[1]
        back.sendto(b"", front.getsockname())
        thread.join()


def test_an_agent_that_only_speaks_snmpv1(net_beside: Any) -> None:
    with _only_v1(net_beside.port) as port:
        arguments = ("127.0.0.1", "--port", str(port), "--community", "test-community", "--timeout", "0.5", "--json")

        assert json.loads(_probe(*arguments))["sysName"] == "ap-204"
        assert json.loads(_probe(*arguments, "--version", "1"))["sysName"] == "ap-204"
        with pytest.raises(CommandError):
            _probe(*arguments, "--version", "2c")


@pytest.mark.parametrize(
    "wrong", [("--community", "plantedSecret"), ("--v3-user", "netz", "--auth", "sha1", "--auth-key", "plantedSecret")]
)
def test_a_device_that_cannot_be_read(net_beside: Any, wrong: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    out = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("probe", "127.0.0.1", "--port", str(net_beside.port), "--timeout", "0.3", "--json", *wrong, stdout=out)

    reading = json.loads(out.getvalue())
    assert reading["reachable"] is False
    assert reading["problems"]
    assert "plantedSecret" not in out.getvalue() + str(caught.value) + "".join(capsys.readouterr())


@pytest.mark.parametrize(
    "arguments",
    [(), ("--community", "a", "--v3-user", "b"), ("--v3-user", "b", "--auth", "sha1", "--auth-key", "short")],
)
def test_contradictions_are_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        _probe("127.0.0.1", *arguments)
