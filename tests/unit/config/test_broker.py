"""The broker in files: half a message ends no worker."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu import Connection
from kombu.simple import SimpleQueue

from config.broker import Channel


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    options = {name: str(tmp_path / "queue") for name in ("data_folder_in", "data_folder_out")}
    (tmp_path / "queue").mkdir()
    with Connection("filesystem://", transport_options=options | {"control_folder": str(tmp_path / "control")}) as made:
        yield made


def test_what_cannot_be_read_is_passed_over(connection: Connection, tmp_path: Path) -> None:
    queue: SimpleQueue = connection.SimpleQueue("city.work")
    assert isinstance(connection.default_channel, Channel)
    (tmp_path / "queue" / "0_first.city.work.msg").write_text("")
    (tmp_path / "queue" / "0_second.city.work.msg").write_text('{"body": ')
    (tmp_path / "queue" / ".9_unseen.city.work.msg").write_text("")

    queue.put({"run": 7})

    message = queue.get(timeout=5)
    assert message.payload == {"run": 7}
    assert [path.name for path in (tmp_path / "queue").iterdir()] == [".9_unseen.city.work.msg"]


def test_an_exchange_that_was_only_begun_is_written_anew(connection: Connection, tmp_path: Path) -> None:
    (tmp_path / "control").mkdir()
    (tmp_path / "control" / "city.else.exchange").write_text("")

    queue: SimpleQueue = connection.SimpleQueue("city.else")
    queue.put("x")

    assert queue.get(timeout=5).payload == "x"
