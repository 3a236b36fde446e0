"""Compiles every room's `django.po` (`python -m config.translations`): Babel does it, so no gettext has to be installed."""

import sys
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

ROOT = Path(__file__).resolve().parent.parent


def compile_all(root: Path = ROOT) -> int:
    """Write each room's .mo beside its .po where that is older; returns how many were written."""
    sources = [source for room in ("fleet", "helpdesk") for source in sorted((root / room).glob("**/django.po"))]
    return sum(_compile(source) for source in sources)


def _compile(source: Path) -> bool:
    target = source.with_suffix(".mo")
    if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
        return False
    with source.open("rb") as text:
        catalog = read_po(text, locale=source.parent.parent.name, abort_invalid=True)
    with target.open("wb") as binary:
        write_mo(binary, catalog)
    return True


if __name__ == "__main__":
    try:
        compile_all()
    except PoFileError as error:
        sys.exit(f"A translation file cannot be read: {error}")
