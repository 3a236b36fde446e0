"""A server's configuration as one text: its files one after the other, with their modes. Pure.

`# server`, for each file `# file MODE PATH` and its lines after `#| ` (`#\\`: the last of them has no end), `# done`.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from .uci_text import quote
from .wish import WishError

FIRST, LAST, LINE, UNENDED = "# server", "# done", "#| ", "#\\"
HEADER = re.compile(r"# file ([0-7]{3,4}) (/[^\0]+)")
KEPT = (
    "/etc/snmp/snmpd.conf /etc/snmp/snmpd.conf.d/*.conf /etc/systemd/timesyncd.conf /etc/rsyslog.d/*.conf"
    " /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf /etc/network/interfaces /etc/motd /etc/issue.net"
)
"""What playbooks of ours and administrators edit on a server."""
OURS = {
    "/etc/systemd/timesyncd.conf": "systemd-timesyncd",
    "/etc/rsyslog.d/90-fleetdesk.conf": "rsyslog",
    "/etc/snmp/snmpd.conf.d/fleetdesk.conf": "snmpd",
    "/etc/issue.net": "",
}
"""What is put back, each with the service that reads it; the others are kept to be looked at."""
SECRET = frozenset({"/etc/snmp/snmpd.conf.d/fleetdesk.conf"})


def fetching(root: str) -> str:
    """A script that prints them all. It fails where one cannot be read: what is not kept whole cannot be put back."""
    return f"""export LC_ALL=C
echo '{FIRST}'
cd {quote(root or "/")} || exit 9
for f in {KEPT.replace("/etc", "etc")}; do
  [ -f "$f" ] || continue
  printf '# file %s /%s\\n' "$(stat -c %a "$f")" "$f"
  sed -e 's/^/{LINE}/' -e '$a\\' <"$f" || exit 9
  [ -z "$(tail -c 1 <"$f")" ] || echo '{UNENDED}'
done
echo '{LAST}'
"""


@dataclass(frozen=True)
class File:
    path: str
    mode: str
    text: str


def files(document: str) -> dict[str, File]:
    """Path → file. Raises WishError where the text is not whole, or is one that could not be put back."""
    lines = document.rstrip("\n").split("\n")
    if len(lines) < 2 or lines[0] != FIRST or lines[-1] != LAST:  # noqa: PLR2004
        raise WishError("this is not a server's configuration as it is kept now, so it cannot be put back")
    found: dict[str, File] = {}
    path = ""
    for line in lines[1:-1]:
        if header := HEADER.fullmatch(line):
            path = header[2]
            found[path] = File(path, f"0{header[1]}", "")
        elif path:
            found[path] = _longer(found[path], line)
    return found


def _longer(file: File, line: str) -> File:
    text = file.text[:-1] if line == UNENDED else f"{file.text}{line.removeprefix(LINE)}\n"
    return File(file.path, file.mode, text)


def to_put_back(document: str) -> list[dict[str, Any]]:
    """Of our files: {path, mode, text, kept, secret, service}; `kept` False: there was none. Raises WishError."""
    kept = files(document)
    if garbled := [path for path in OURS if path in kept and "\ufffd" in kept[path].text]:
        raise WishError(f"{garbled[0]} was no UTF-8 when it was kept, so it cannot be put back")
    return [
        asdict(kept.get(path, File(path, "0644", ""))) | {"kept": path in kept, "secret": path in SECRET, "service": service}
        for path, service in OURS.items()
    ]
