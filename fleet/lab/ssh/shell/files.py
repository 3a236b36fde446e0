"""The device's files: one dictionary from absolute path to text.

Directories exist because something lies in them, because every OpenWrt has them, or, when made empty, as an entry
whose key ends with a slash.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping, MutableMapping

MAX_FILE = 4 * 1024 * 1024
MAX_TOTAL = 16 * 1024 * 1024
MAX_ENTRIES = 5_000
_STANDING = frozenset({
    *("/", "/bin", "/dev", "/etc", "/etc/config", "/etc/init.d", "/lib", "/mnt", "/overlay", "/proc", "/rom", "/root"),
    *("/sbin", "/sys", "/tmp", "/tmp/log", "/tmp/run", "/usr", "/usr/bin", "/usr/lib", "/usr/sbin", "/usr/share"),  # noqa: S108
    *("/var", "/www"),
})  # fmt: skip
_MADE_AT_BOOT = "/tmp/sysinfo/"  # noqa: S108 - a path on the simulated device


class FileError(Exception):
    """The text is the one busybox prints after the path."""


class VirtualFiles:
    """Paths given to the methods are absolute; ``resolve`` makes them so."""

    def __init__(self, entries: MutableMapping[str, str], computed: Mapping[str, Callable[[], str]] | None = None) -> None:
        self.entries = entries
        self._computed = dict(computed or {})

    @staticmethod
    def resolve(path: str, cwd: str) -> str:
        """The normal form of ``path`` seen from ``cwd``; ``/var`` is a link to ``/tmp``, as on OpenWrt."""
        full = posixpath.normpath(posixpath.join(cwd, path))
        full = "/" + full.lstrip("/")
        return "/tmp" + full[4:] if full == "/var" or full.startswith("/var/") else full  # noqa: S108

    def is_file(self, path: str) -> bool:
        return path in self.entries or path in self._computed

    def is_directory(self, path: str) -> bool:
        if path in _STANDING or path + "/" in self.entries:
            return True
        return any(key.startswith(path + "/") for key in self._paths())

    def exists(self, path: str) -> bool:
        return self.is_file(path) or self.is_directory(path)

    def read(self, path: str) -> str:
        if path in self._computed:
            return self._computed[path]()
        if path in self.entries:
            return self.entries[path]
        raise FileError("Is a directory" if self.is_directory(path) else "No such file or directory")

    def write(self, path: str, text: str) -> None:
        if self.is_directory(path):
            raise FileError("Is a directory")
        if path in self._computed or path.startswith(("/proc/", "/sys/", "/dev/")):
            raise FileError("Permission denied")
        if not self.is_directory(posixpath.dirname(path)):
            raise FileError("No such file or directory" if path else "nonexistent directory")
        self._check_room(path, len(text))
        self.entries[path] = text

    def append(self, path: str, text: str) -> None:
        self.write(path, self.entries.get(path, "") + text)

    def _check_room(self, path: str, size: int) -> None:
        used = sum(map(len, self.entries.values())) - len(self.entries.get(path, ""))
        if size > MAX_FILE or used + size > MAX_TOTAL or (path not in self.entries and len(self.entries) > MAX_ENTRIES):
            raise FileError("No space left on device")

    def make_directory(self, path: str) -> None:
        if self.exists(path):
            raise FileError("File exists")
        if not self.is_directory(posixpath.dirname(path)):
            raise FileError("No such file or directory")
        self._check_room(path + "/", 0)
        self.entries[path + "/"] = ""

    def remove_file(self, path: str) -> None:
        if path not in self.entries:
            raise FileError("Is a directory" if self.is_directory(path) else "No such file or directory")
        self._keep_parent(path)
        del self.entries[path]

    def _keep_parent(self, path: str) -> None:
        """A directory that was only implied by this entry stays."""
        parent = posixpath.dirname(path)
        if parent not in _STANDING:
            self.entries.setdefault(parent + "/", "")

    def remove_tree(self, path: str) -> None:
        if path in _STANDING:
            raise FileError("Permission denied")
        for key in [k for k in self.entries if k == path or k.startswith(path + "/")]:
            del self.entries[key]

    def remove_directory(self, path: str) -> None:
        if not self.is_directory(path):
            raise FileError("Not a directory" if self.is_file(path) else "No such file or directory")
        if self.names(path):
            raise FileError("Directory not empty")
        self.remove_tree(path)

    def forget_volatile(self) -> None:
        """What lies in memory is gone after a reboot."""
        for key in [k for k in self.entries if k.startswith("/tmp/") and not k.startswith(_MADE_AT_BOOT)]:  # noqa: S108
            del self.entries[key]

    def _paths(self) -> Iterator[str]:
        yield from self.entries
        yield from self._computed

    def names(self, directory: str) -> list[str]:
        """The sorted names in a directory."""
        head = directory.rstrip("/") + "/"
        below = [path.removeprefix(head) for path in (*self._paths(), *_STANDING) if path.startswith(head)]
        return sorted({name.partition("/")[0] for name in below} - {""})
