"""One mail is read in a process of its own: what takes too long or too much memory ends there, and the next one goes on."""

import json
import subprocess
import sys
from pathlib import Path

from django.conf import settings

from helpdesk.mail.rules.incoming import File, Incoming, Sender


def read(mail: Path, folder: Path) -> Incoming:
    """Attachments are left as files in `folder`. Never raises for what the mail holds."""
    command = [sys.executable, "-m", "helpdesk.mail.rules", str(mail), str(folder)]
    try:
        done = subprocess.run(command, cwd=settings.BASE_DIR, timeout=settings.MAIL_READ_S, capture_output=True, check=False)
    except subprocess.TimeoutExpired:
        return Incoming(unreadable=f"reading it took longer than {settings.MAIL_READ_S} s")
    if done.returncode != 0:
        return Incoming(unreadable="reading it failed: it takes too much memory, or breaks the parser")
    return _understood(json.loads((folder / "mail.json").read_text(encoding="utf-8")))


def _understood(told: dict[str, object]) -> Incoming:
    lists = {name: tuple(value) for name, value in told.items() if isinstance(value, list)}
    files = tuple(File(**one) for one in lists.pop("files"))
    sender = told["sender"]
    return Incoming(**{**told, **lists, "files": files, "sender": Sender(**sender)})  # type: ignore[arg-type]
