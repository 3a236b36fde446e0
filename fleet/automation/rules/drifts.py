"""What a difference is about, as its key says it. Pure.

`ntp_servers` and `wifi:<name>` are settings that differ in a device's backup; `check:<playbook>` and `check:ssid:<name>` are
what a playbook would change on the device, as the nightly check has seen.
"""

from dataclasses import dataclass

WIFI, CHECK, SSID = "wifi:", "check:", "ssid"


@dataclass(frozen=True)
class Subject:
    """Either a setting (`key`), a Wi-Fi (`ssid`), or everything that one playbook sets (`playbook`)."""

    key: str = ""
    ssid: str = ""
    playbook: str = ""
    by_check: bool = False

    def __str__(self) -> str:
        if self.by_check:
            return f"{CHECK}{SSID}:{self.ssid}" if self.ssid else f"{CHECK}{self.playbook}"
        return f"{WIFI}{self.ssid}" if self.ssid else self.key


def adds(diff: str, known: str) -> bool:
    """Whether a diff says more than the one that is known: something that nobody has decided about yet."""
    return bool(_changes(diff) - _changes(known))


def _changes(diff: str) -> set[str]:
    return {line for line in diff.splitlines() if line.startswith(("+", "-"))}


def subject(text: str) -> Subject:
    if not text.startswith(CHECK):
        ssid = text.removeprefix(WIFI) if text.startswith(WIFI) else ""
        return Subject(key="" if ssid else text, ssid=ssid)
    playbook, _colon, ssid = text.removeprefix(CHECK).partition(":")
    return Subject(ssid=ssid, playbook=playbook, by_check=True)
