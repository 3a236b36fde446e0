"""Tables that are taken in by a command."""

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command


def taken_in(command: str, folder: Path, table: str, *, dry_run: bool = False, authority: str = "Stadt Neuhafen") -> str:
    """What the command says."""
    file = folder / "table.csv"
    file.write_text(table, encoding="utf-8")
    said = io.StringIO()
    call_command(command, str(file), authority=authority, dry_run=dry_run, stdout=said)
    return said.getvalue()


def refused(command: str, folder: Path, table: str) -> str:
    """What the command says when it takes nothing in."""
    with pytest.raises(CommandError) as error:
        taken_in(command, folder, table)
    assert error.value.returncode == 1
    return str(error.value)
