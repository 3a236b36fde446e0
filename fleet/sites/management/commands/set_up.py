"""`manage.py set_up`: an empty installation gets its authority and an administrator who can log in."""

import getpass
import sys
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser, no_translations

from fleet.secrets.types import Secret
from fleet.sites.services.founding import Founding, NotEmptyError, found, refuse_unless_empty


class Command(BaseCommand):
    help = "Makes the first authority and its administrator in an empty installation. Refuses where there is any already."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--authority", required=True, help="who runs the schools: Stadt Musterstadt, Schulamt")
        parser.add_argument("--email", required=True, help="the administrator logs in with it")
        parser.add_argument("--name", required=True, help="the administrator's name")
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password from the first line of standard input"
        )

    @no_translations
    def handle(self, *_args: Any, **options: Any) -> None:
        founding = Founding(options["authority"].strip(), options["email"].strip(), options["name"].strip())
        try:
            refuse_unless_empty()
            founding.clean()
            user = found(founding=founding, password=_read() if options["password_stdin"] else _asked())
        except NotEmptyError as error:
            raise CommandError(f"{error} Nothing was changed.") from error
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"{founding.authority} is there. {user.name} logs in as {user.email} and is its administrator.")


def _read() -> Secret:
    return Secret(sys.stdin.readline().rstrip("\r\n"))


def _asked() -> Secret:
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise CommandError("The passwords differ. Nothing was changed.")
    return Secret(password)
