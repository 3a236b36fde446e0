import io
import json
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


def test_sentences_and_v3(net_beside: Any) -> None:
    keys = ("--auth", "SHA256", "--auth-key", "authentication", "--priv", "aes128", "--priv-key", "privacy-key")

    printed = _probe("127.0.0.1", "--port", str(net_beside.port), "--v3-user", "netz", *keys)

    assert "ap-204: access-point (profile openwrt)" in printed
    assert "eth0" in printed


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
