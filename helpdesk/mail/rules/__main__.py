"""`python -m helpdesk.mail.rules MAIL FOLDER`: reads one mail in a process of its own, with bounds of its own.

What it understood is written to FOLDER/mail.json, each attachment to a file beside it. A mail that takes too long or too
much memory takes only this process with it.
"""

import dataclasses
import hashlib
import json
import resource
import sys
from pathlib import Path

from helpdesk.mail.rules.incoming import File
from helpdesk.mail.rules.parsing import parsed

MEMORY = 2 * 2**30
"""Bytes of address space: several times the largest mail that is read at all."""


def _kept(number: int, file: File, folder: Path) -> File:
    path = folder / f"{number}.file"
    path.write_bytes(file.content)
    digest = hashlib.sha256(file.content).hexdigest()
    return dataclasses.replace(file, content=b"", size=len(file.content), digest=digest, path=str(path))


def main(mail: Path, folder: Path) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    read = parsed(mail.read_bytes())
    kept = [_kept(number, file, folder) for number, file in enumerate(read.files)]
    told = dataclasses.asdict(dataclasses.replace(read, files=()))
    told["files"] = [{name: value for name, value in dataclasses.asdict(one).items() if name != "content"} for one in kept]
    (folder / "mail.json").write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
