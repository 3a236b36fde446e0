"""What Ansible must read and nobody else: through named pipes (fifo(7)), so that it is on no disk.

Pipes rather than anonymous memory: Ansible resolves every path first, and bubblewrap has a /proc of its own; a pipe in the
private directory is the same for all of them.
"""

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any


class Handover:
    """Each text is answered to every reader in full, from `open` until `close`."""

    def __init__(self, texts: dict[Path, str]) -> None:
        self._texts = texts
        self._over = False
        self._moving = threading.Lock()

    def open(self) -> None:
        for place, text in self._texts.items():
            os.mkfifo(place, 0o600)
            threading.Thread(target=self._serve, args=(place, text.encode()), daemon=True).start()

    def close(self) -> None:
        """Ansible has read it all before its first play: from then on nothing secret can be opened any more."""
        with self._moving:
            self._over = True
            for place in self._texts:
                with suppress(OSError):
                    pipe = os.open(place, os.O_RDONLY | os.O_NONBLOCK)  # lets go of the thread that waits for a reader
                    place.unlink()
                    os.close(pipe)

    def _serve(self, place: Path, content: bytes) -> None:
        """Each reader gets a pipe of its own: the next one is in its place as soon as somebody has opened this one."""
        draft = place.with_name(f".{place.name}.next")
        while not self._over:
            with suppress(OSError):  # the directory is gone, or the reader looked at the beginning only
                os.mkfifo(draft, 0o600)
                with os.fdopen(os.open(place, os.O_WRONLY), "wb", buffering=0) as reader:
                    if not self._renew(draft, place):
                        return
                    _fill(reader, content)
                continue
            if not place.parent.is_dir():
                return

    def _renew(self, draft: Path, place: Path) -> bool:
        with self._moving:
            if self._over:
                draft.unlink(missing_ok=True)
                return False
            draft.rename(place)
            return True


def _fill(pipe: Any, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[pipe.write(view) :]
