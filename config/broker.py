"""Celery's broker in files, as it is on one machine without a server: a message is there whole or not at all.

kombu writes messages in place. A worker that looks at that very moment, or after the sender was killed, finds half of one,
and its whole process ends.
"""

import logging
import uuid
from pathlib import Path
from time import monotonic
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps

log = logging.getLogger(__name__)


class Channel(filesystem.Channel):
    def _put(self, queue: str, payload: Any, **_: Any) -> None:  # type: ignore[override]  # as kombu's own
        name = f"{round(monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        folder = Path(self.data_folder_out)
        unseen = folder / f".{name}"  # what a queue's messages are found by is the name from its first dot on
        try:
            unseen.write_text(dumps(payload))
            unseen.replace(folder / name)
        except OSError as error:
            raise ChannelError(f"Cannot add a message to {folder}") from error

    def _get(self, queue: str) -> Any:  # type: ignore[override]  # as kombu's own
        """The next message that can be read. What cannot is gone: rows say what is to be done, and it is sent again."""
        while True:
            try:
                return super()._get(queue)
            except ValueError:
                log.warning("a message cannot be read", extra={"queue": queue})

    def get_table(self, exchange: str) -> Any:
        try:
            return super().get_table(exchange)
        except ValueError:  # another process is about to write it
            return []

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str | None, queue: str) -> None:
        try:
            super()._queue_bind(exchange, routing_key, pattern, queue)
        except ValueError:  # whoever began it was killed: it is written anew
            (Path(self.control_folder) / f"{exchange}.exchange").unlink(missing_ok=True)
            super()._queue_bind(exchange, routing_key, pattern, queue)


class Transport(filesystem.Transport):
    Channel = Channel


def use_whole_messages() -> None:
    """From now on `filesystem://` is this transport."""
    TRANSPORT_ALIASES["filesystem"] = f"{__name__}:Transport"
