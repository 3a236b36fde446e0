"""What a command reads from and writes to."""

from __future__ import annotations

from typing import Protocol

from fleet.lab.ssh.shell.files import VirtualFiles


class OutputLimitError(Exception):
    """A command wrote more than the device lets it."""


class Input(Protocol):
    async def line(self) -> str:
        """The next line with its line end, or an empty string at the end."""

    async def rest(self) -> str:
        """Everything up to the end."""


class Output(Protocol):
    @property
    def of_session(self) -> bool:
        """True when this leads to a client: its session lasts as long as somebody holds this."""

    async def write(self, text: str) -> None: ...


class TextInput:
    """Reads from a text; the end comes after it."""

    def __init__(self, text: str = "") -> None:
        self._text, self._at = text, 0

    async def line(self) -> str:
        end = self._text.find("\n", self._at)
        start, self._at = self._at, len(self._text) if end < 0 else end + 1
        return self._text[start : self._at]

    async def rest(self) -> str:
        start, self._at = self._at, len(self._text)
        return self._text[start:]


class Null:
    of_session = False

    async def write(self, text: str) -> None:
        """``/dev/null``."""


class Capture:
    """Keeps what is written, up to ``limit`` characters; then raises OutputLimitError."""

    of_session = False

    def __init__(self, limit: int) -> None:
        self._left, self._parts = limit, list[str]()

    async def write(self, text: str) -> None:
        self._left -= len(text)
        if self._left < 0:
            raise OutputLimitError
        self._parts.append(text)

    @property
    def text(self) -> str:
        return "".join(self._parts)


class FileOutput:
    """Writes to a file of the device, which is emptied first unless ``append``. Raises FileError."""

    of_session = False

    def __init__(self, files: VirtualFiles, path: str, *, append: bool) -> None:
        self._files, self._path = files, path
        files.write(path, files.read(path) if append and files.is_file(path) else "")

    async def write(self, text: str) -> None:
        self._files.append(self._path, text)
