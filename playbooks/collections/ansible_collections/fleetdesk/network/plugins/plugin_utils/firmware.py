"""Another firmware for an OpenWrt device: what it has, what it is to have, and the shell for it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .uci_text import quote

PLACE = "/tmp/fleetdesk-firmware.bin"  # noqa: S108 - a path on the device: its memory, gone after a restart
NOT_FETCHED, NOT_THAT, REFUSED = 3, 4, 5
WHY = {
    NOT_FETCHED: "the device could not fetch the image",
    NOT_THAT: "the image is not the one that was meant (its SHA-256 differs), and was thrown away",
    REFUSED: "the device refuses the image",
}
_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]_-]+/[A-Za-z0-9._~/%+-]*", re.ASCII)
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", re.ASCII)


@dataclass(frozen=True)
class Image:
    version: str
    url: str
    sha256: str


@dataclass(frozen=True)
class State:
    version: str
    staged: bool
    """The image lies on the device."""

    def after(self, image: Image, *, install: bool) -> State:
        """What the playbook makes of it: the image in place, or the version running."""
        if self.version == image.version:
            return self
        return State(image.version, staged=False) if install else replace(self, staged=True)

    def text(self) -> str:
        return f"version {self.version}\nnext image {'in place' if self.staged else 'not in place'}\n"


def image(version: str, url: str, sha256: str) -> Image:
    """Raises ValueError for what is no version, address or checksum."""
    if not _VERSION.fullmatch(version):
        raise ValueError("a version is letters, digits, dots and hyphens")
    if not _URL.fullmatch(url):
        raise ValueError("the image has an address that begins with http:// or https://")
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise ValueError("a SHA-256 is 64 hexadecimal digits in lower case")
    return Image(version, url, sha256)


def _is_it(found: Image) -> str:
    return f'[ "$(sha256sum {PLACE} 2>/dev/null | cut -d " " -f 1)" = {quote(found.sha256)} ]'


def looking(found: Image) -> str:
    """Prints version and `yes` or `no`."""
    staged = f"if {_is_it(found)}; then echo yes; else echo no; fi"
    return f'. /etc/openwrt_release || exit 1\necho "$DISTRIB_RELEASE"\n{staged}\nexit 0\n'


def read(out: str) -> State:
    version, _, staged = out.strip().partition("\n")
    return State(version, staged.strip() == "yes")


def fetching(found: Image) -> str:
    return (
        f"wget -q -O {PLACE} {quote(found.url)} || {{ rm -f {PLACE}; exit {NOT_FETCHED}; }}\n"
        f"{_is_it(found)} || {{ rm -f {PLACE}; exit {NOT_THAT}; }}\nexit 0\n"
    )


def checking() -> str:
    return f"sysupgrade -T {PLACE} >/dev/null || exit {REFUSED}\nexit 0\n"


def installing(mark: str) -> str:
    return f": >{mark}\n(trap '' HUP; sleep 1; sysupgrade {PLACE}) </dev/null >/dev/null 2>&1 &\nexit 0\n"


def returned(mark: str, found: Image) -> str:
    """Fails while the device is still the one that has not restarted."""
    return f"[ ! -e {mark} ] || exit 9\n{looking(found)}"
