"""What is planted in log calls is not found in what is written."""

import io
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import logs
from fleet.secrets.types import Secret

PLANTED = "Pl4nted-and-never-seen"
ROOT = Path(__file__).parents[3]


class Written:
    """A logger whose lines can be read back."""

    def __init__(self, *, as_json: bool) -> None:
        self.stream = io.StringIO()
        handler = logging.StreamHandler(self.stream)
        handler.setFormatter(logs.formatter(as_json=as_json))
        self.log = logging.Logger("fleet.test")  # noqa: LOG001  (one that no other test can have touched)
        self.log.addHandler(handler)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.text)
        return event


@pytest.fixture(params=[True, False], ids=["json", "console"])
def written(request: pytest.FixtureRequest) -> Written:
    return Written(as_json=request.param)


def test_an_event_keeps_its_ids_as_fields() -> None:
    written = Written(as_json=True)

    written.log.warning("run claimed", extra={"run_id": 7, "devices": [1, 2]})

    event = written.event
    assert (event["event"], event["run_id"], event["devices"], event["level"]) == ("run claimed", 7, [1, 2], "warning")
    assert event["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "extra",
    [
        {"what": Secret(PLANTED)},
        {"community": PLANTED},
        {"credential": {"auth_key": PLANTED, "priv_key": [PLANTED]}},
        {"headers": {"Authorization": f"Bearer {PLANTED}"}},
        {"header": f"Authorization: Bearer {PLANTED}"},
        {"url": f"amqp://guest:{PLANTED}@127.0.0.1//"},
        {"line": f"psk={PLANTED}"},
        {"form": f"login=x&password={PLANTED}&next=/"},
        {"token_seen": f"fdk_{PLANTED}{PLANTED}"},
        {"key": f"-----BEGIN OPENSSH PRIVATE KEY-----\n{PLANTED}\n-----END OPENSSH PRIVATE KEY-----"},
        {"nested": [{"deep": (Secret(PLANTED),)}]},
    ],
)
def test_what_is_secret_is_masked_in_fields(written: Written, extra: dict[str, Any]) -> None:
    written.log.error("something happened", extra=extra)

    assert PLANTED not in written.text
    assert "***" in written.text


def test_what_is_secret_is_masked_in_the_message(written: Written) -> None:
    written.log.error("connecting with %s to %s", Secret(PLANTED), f"redis://:{PLANTED}@127.0.0.1")

    assert PLANTED not in written.text


def test_what_is_secret_is_masked_in_a_traceback(written: Written) -> None:
    try:
        int(f"password={PLANTED}")
    except ValueError:
        written.log.exception("refused")

    assert "Traceback" in written.text
    assert PLANTED not in written.text


@given(st.dictionaries(st.sampled_from(["password", "snmp_community", "wpa_psk", "api_token"]), st.text(), min_size=1))
def test_a_telling_name_hides_any_value(fields: dict[str, str]) -> None:
    assert set(logs.mask(fields).values()) == {"***"}


def test_ordinary_words_stay() -> None:
    text = "AP-204 at 127.20.1.2:161 answered in 12 ms; see http://localhost:8000/devices/3/"

    assert logs.mask_text(text) == text


def test_the_real_process_logs_json_when_asked(tmp_path: Path) -> None:
    code = "import django, logging; django.setup(); logging.getLogger('x').error('started', extra={'psk': 'abcdefgh'})"
    environment = {**os.environ, "LOG_JSON": "true", "VAR_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "config.settings"}

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60
    )

    event = json.loads(done.stderr.splitlines()[-1])
    assert (event["event"], event["psk"]) == ("started", "***")
