"""`manage.py rotate_secrets`: after a new key was put first in ENCRYPTION_KEYS, before the old one is taken away."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fleet.secrets import rotation
from fleet.secrets.crypto import UndecipherableError


class Command(BaseCommand):
    help = "Re-encrypts every secret under the first key of ENCRYPTION_KEYS. May be stopped and started again."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        for column in rotation.columns():
            self._rotate(str(column), partial(rotation.rotate_column, column))
        for name, rotate_all in rotation.elsewhere():
            self._rotate(name, rotate_all)

    def _rotate(self, name: str, act: Callable[[], int]) -> None:
        try:
            self.stdout.write(f"{name}: {act()} re-encrypted")
        except UndecipherableError as error:
            raise CommandError(
                f"{name}: {error}. Nothing of this batch was changed; put the missing key back and start again."
            ) from error
