"""A device's configuration as text: what of it counts, what of it may be shown, and how two of them differ. Pure."""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fleet.secrets.types import MASK

CHANGED = f"{MASK} (changed)"
NEAR = 3
"""Lines around a difference."""

_CLOCKS = (
    r"! Last configuration change at .*",
    r"! NVRAM config last updated at .*",
    r"! No configuration change since last restart",
    r"ntp clock-period \d+",
    r"Current configuration : \d+ bytes",
    r"Building configuration\.\.\.",
)
VOLATILE: Mapping[str, Sequence[str]] = {
    "": (r"[#!;] .*(?:uptime|[Gg]enerated (?:at|on)|[Ss]aved (?:at|on)).*",),
    "ios": _CLOCKS,
    "aos-cx": (r"!Version .* built .*", r"!export-password: .*"),
    "procurve": (r"; Created on release .*", r";.*[Uu]p ?[Tt]ime.*"),
    "routeros": (r"# \S+ \d\d:\d\d:\d\d by RouterOS .*", r"# \d{4}-\d\d-\d\d \d\d:\d\d:\d\d by RouterOS .*"),
}
"""Platform → whole lines that change by themselves; those of "" are left out everywhere."""

_WORDS = "key|psk|pass|password|passwd|passphrase|pwd|secret|community|token|pin|hash"
_QUOTED = r"""'(?:[^']|'\\'')*'|"(?:[^"\\]|\\.)*"|\S+"""
_PEM = re.compile(r"(-----BEGIN [A-Z0-9 ]+-----)((?:(?!-----).)*)(-----END [A-Z0-9 ]+-----)", re.DOTALL)
_ADDRESS = re.compile(r"(://[^\s/:@'\"]{0,200}:)([^\s/'\"]{1,400})(?=@)")
"""Scheme, user and password before a host (RFC 3986 §3.2.1)."""
_UCI = re.compile(
    r"(^[ \t]*(?:option|list)[ \t]+['\"]?"
    r"(?:[\w-]{0,60}(?:key|psk|passw|passphrase|secret|community|token|authpass|privpass)[\w-]*|r[01]kh"
    r"|(?:[a-z0-9]{1,30}[_-]){0,5}(?:pass|pin|hash|pwd)[0-9]*)['\"]?[ \t]+)"
    rf"({_QUOTED})",
    re.MULTILINE | re.IGNORECASE,
)
_ASSIGNED = re.compile(
    rf"((?:^|[ \t])[\w.-]{{0,60}}(?:{_WORDS})[\w.-]{{0,60}}[ \t]{{0,9}}=[ \t]*)({_QUOTED})", re.MULTILINE | re.IGNORECASE
)
_SAID = re.compile(
    r"((?:^|[ \t])(?:[\w.-]{0,60}[-_.])?"
    rf"(?:{_WORDS}|key-string|ciphertext|plaintext|pre-shared-key|wpa-psk|md5|sha1?|sha-?256|sha-?512|aes|des|priv|auth)"
    r"[ \t]+(?:(?:\d{1,3}|ascii|hex|plaintext|ciphertext|encrypted|sha|sha1|md5|aes|des)[ \t]+)*)"
    r"(\S[^\r\n]*)",
    re.MULTILINE | re.IGNORECASE,
)
_TRAPS = re.compile(
    r"(^[ \t]*snmp-server host \S+ (?:(?:traps|informs|vrf \S+) ){0,3}"
    r"(?:version \S+ (?:(?:auth|noauth|priv) )?)?)(\S+)",
    re.MULTILINE,
)
_NEIGHBOURS = re.compile(
    r"(^[ \t]*(?:standby|vrrp|glbp|ip nhrp)(?: \d{1,5})? authentication (?!md5\b)(?:text )?)(\S[^\r\n]*)", re.MULTILINE
)
"""IOS, clear text between routers; after `md5` stands what the others find."""
_SNMPD = re.compile(
    r"(^(?:#\| ?)?[ \t]{0,9}(?:r[ow]community6?|trapcommunity|com2sec6?[ \t]+(?:-Cn[ \t]+\S+[ \t]+)?\S+[ \t]+\S+"
    r"|trap2?sink[ \t]+\S+|informsink[ \t]+\S+)[ \t]+)(\S+)",
    re.MULTILINE | re.IGNORECASE,
)
"""Net-SNMP's snmpd.conf(5)."""
_TRAP_SESSION = re.compile(
    r"(^(?:#\| ?)?[ \t]{0,9}(?:trapsess|proxy)[ \t][^\r\n]{0,400}?[ \t]-(?:[cAX]|3[kKmM])[ \t]*)(\S[^\r\n]*)", re.MULTILINE
)
"""The same, with options of snmpcmd(1): from the first secret to the end of the line."""
_COMMUNITY_NAME = re.compile(rf"((?:^|[ \t/])snmp community[^\r\n]{{0,400}}?[ \t]name=)({_QUOTED})", re.MULTILINE)
"""RouterOS, as `/export terse` says it: each line with its menu."""
_GENERIC = (_PEM, _ASSIGNED, _SAID, _TRAPS, _NEIGHBOURS, _ADDRESS)
SECRET: Mapping[str, Sequence[re.Pattern[str]]] = {
    "openwrt": (_PEM, _UCI, _ADDRESS),
    "routeros": (_PEM, _ASSIGNED, _COMMUNITY_NAME, _ADDRESS),
    "linux": (*_GENERIC, _SNMPD, _TRAP_SESSION),
}
"""Platform → where secrets stand: group 1 stays, group 2 is hidden.

Any other platform: the generic ones, rather too much hidden."""

# What is repeated is bounded: a device may answer what it likes, and must not keep us reckoning for it.
Cover = Callable[[str], str]


def normalised(text: str, platform: str) -> str:
    """`text` without what changes by itself, lines ended alike: two fetches of an unchanged device give the same."""
    volatile = [re.compile(pattern) for pattern in (*VOLATILE[""], *VOLATILE.get(platform, ()))]
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\0", "").split("\n")]
    kept = [line for line in lines if not any(pattern.fullmatch(line) for pattern in volatile)]
    return "\n".join(kept).strip("\n") + "\n"


def masked(text: str, platform: str, cover: Cover = lambda _secret: MASK) -> str:
    """`text` with every secret replaced by `cover(secret)`."""
    for pattern in SECRET.get(platform, _GENERIC):
        text = pattern.sub(lambda found: _covered(found, cover), text)
    return text


def _covered(found: re.Match[str], cover: Cover) -> str:
    tail = found[3] if found.re.groups == _PEM.groups else ""
    secret = found[2]
    return found[1] + (secret if secret.startswith(MASK) else cover(secret)) + tail  # an earlier pattern was here


def secrets_in(text: str, platform: str) -> list[str]:
    """The secrets of a configuration as they are written in it."""
    found: list[str] = []

    def keep(secret: str) -> str:
        found.append(secret)
        return MASK

    masked(text, platform, keep)
    return found


@dataclass(frozen=True)
class Side:
    """One of two configurations, and what stands above it."""

    text: str
    label: str


def difference(before: Side, after: Side, platform: str) -> str:
    """A unified diff of what may be shown; a secret that changed says that it did, never what it was or is."""
    had = set(secrets_in(before.text, platform))
    old = masked(before.text, platform).splitlines()
    new = masked(after.text, platform, lambda secret: MASK if secret in had else CHANGED).splitlines()
    return "\n".join(difflib.unified_diff(old, new, before.label, after.label, lineterm="", n=NEAR))


@dataclass(frozen=True)
class Hit:
    number: int
    """From 1."""
    line: str


def search(text: str, wanted: str, platform: str, *, most: int = 200) -> list[Hit]:
    """Lines of the shown text that hold `wanted`, whatever the case. What is hidden cannot be found."""
    sought = wanted.casefold()
    lines = enumerate(masked(text, platform).splitlines(), start=1)
    return [Hit(number, line) for number, line in lines if sought in line.casefold()][:most] if sought else []
