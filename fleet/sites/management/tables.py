"""What the commands that take in a table have in common: all of it or nothing, a rehearsal, and mistakes by line."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations
from django.db import transaction

from fleet.sites.models import Authority
from fleet.sites.rules.office_table import MOST_BYTES, MistakesError
from fleet.sites.rules.tally import Tally
from fleet.sites.rules.told import MOST_NAMED


class TableCommand(BaseCommand):
    """`take_in` writes what the table says and returns what it has changed, and sentences to be told besides."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="a table as CSV, as any office program saves it")
        parser.add_argument("--authority", required=True, help="who runs the schools, by its name")
        parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")

    @no_translations
    def handle(self, *_args: Any, **options: Any) -> None:
        chosen = Namespace(**options)
        data, authority = _read(chosen.file), _authority(chosen.authority)
        try:
            with transaction.atomic():
                tally, besides = self.take_in(authority, data)
                transaction.set_rollback(chosen.dry_run)
        except MistakesError as error:
            raise CommandError("\n".join(["Nothing was changed.", *_first(error.mistakes)])) from error
        self.stdout.write("\n".join([*_first(tally.remarks), *tally.lines(), *besides, _end(tally, dry_run=chosen.dry_run)]))

    def take_in(self, authority: Authority, data: bytes) -> tuple[Tally, list[str]]:
        """Raises MistakesError."""
        raise NotImplementedError


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error


def _authority(name: str) -> Authority:
    found = Authority.objects.filter(name=name.strip()).first()
    if found is None:
        names = ", ".join(Authority.objects.order_by("name").values_list("name", flat=True))
        raise CommandError(f"There is no authority {name.strip()}. There is: {names or 'none; begin with set_up'}.")
    return found


def _first(lines: Sequence[object]) -> list[str]:
    more = len(lines) - MOST_NAMED
    return [*map(str, lines[:MOST_NAMED]), *([f"And {more} more."] if more > 0 else [])]


def _end(tally: Tally, *, dry_run: bool) -> str:
    if tally.nothing:
        return "Nothing was changed: all of it is there as the table says."
    return "A dry run: nothing was changed." if dry_run else "Done."
