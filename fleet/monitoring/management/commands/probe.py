"""Asks one device over SNMP what it is and how it is. A technician's tool; the JSON is stable."""

import asyncio
import getpass
import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from django.core.management.base import BaseCommand, CommandError, CommandParser

from fleet.snmp.errors import SnmpError, SnmpTimeout
from fleet.snmp.fetch import PysnmpFetcher
from fleet.snmp.read import SYS_OBJECT_ID, read
from fleet.snmp.telling import sentences
from fleet.snmp.types import (
    Auth,
    Credential,
    Priv,
    Reading,
    Target,
    V1Credential,
    V2cCredential,
    V3Credential,
)

Protocol = TypeVar("Protocol", Auth, Priv)
MOST_PORT = 65_535


class Command(BaseCommand):
    help = "Asks one device over SNMP what it is and how it is."
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """--version means SNMP's here, not Django's."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", help="IP address or name of the device")
        parser.add_argument("--port", type=_port, default=161)
        parser.add_argument("--timeout", type=float, default=3.0, help="seconds to wait, per attempt")
        parser.add_argument("--retries", type=int, default=2)
        parser.add_argument("--json", action="store_true", help="print the reading as JSON")
        v2c = parser.add_argument_group("SNMPv1 and v2c")
        v2c.add_argument("--community", help='"-" asks for it, so that it does not stand in the list of processes')
        v2c.add_argument(
            "--version", choices=["1", "2c"], dest="snmp_version", help="without it: v2c, and v1 where nobody answers that"
        )
        v3 = parser.add_argument_group("SNMPv3")
        v3.add_argument("--v3-user")
        v3.add_argument("--auth", type=_one_of(Auth), default=Auth.NONE, help=", ".join(Auth))
        v3.add_argument("--auth-key", default="", help='pass phrase; "-" asks for it')
        v3.add_argument("--priv", type=_one_of(Priv), default=Priv.NONE, help=", ".join(Priv))
        v3.add_argument("--priv-key", default="", help='pass phrase; "-" asks for it')

    def handle(self, *_: Any, **options: Any) -> None:
        credentials = _credentials(options)
        target = Target(options["address"], options["port"], credentials[0], options["timeout"], options["retries"])
        reading = asyncio.run(_ask(target, credentials))
        if options["json"]:
            self.stdout.write(json.dumps(reading.as_dict(), ensure_ascii=False))
        else:
            self.stdout.write("\n".join(sentences(reading)))
        if not reading.reachable:
            raise CommandError(f"{target.address}:{target.port} could not be read.", returncode=1)


def _port(written: str) -> int:
    """Raises ArgumentTypeError: a number that no UDP port can have would wait for an answer in vain."""
    if written.isdecimal() and 0 < int(written) <= MOST_PORT:
        return int(written)
    raise ArgumentTypeError(f"{written!r} is no port: 1 to {MOST_PORT}")


def _one_of(protocols: type[Protocol]) -> Callable[[str], Protocol]:
    def chosen(written: str) -> Protocol:
        try:
            return protocols(written)
        except ValueError as error:
            raise ArgumentTypeError(f"{written!r} is none of {', '.join(protocols)}") from error

    return chosen


async def _ask(target: Target, credentials: Sequence[Credential]) -> Reading:
    """The reading by the first of these credentials that is answered."""
    problem = ""
    async with PysnmpFetcher() as fetcher:
        for number, credential in enumerate(credentials):
            chosen = replace(target, credential=credential)
            try:
                if number:  # nobody answered the first: ask once before waiting in earnest
                    await fetcher.get(replace(chosen, retries=0), [SYS_OBJECT_ID])
                return await read(fetcher, chosen)
            except SnmpError as error:
                problem = problem or str(error)
                if not isinstance(error, SnmpTimeout):
                    break
    return replace(Reading.unreachable(), problems=(problem,))


def _credentials(options: dict[str, Any]) -> list[Credential]:
    """What to try, in this order. Raises CommandError if the options do not make one credential."""
    if bool(options["v3_user"]) == bool(options["community"]):
        raise CommandError("Give either --community or --v3-user.")
    if options["v3_user"]:
        return [_user(options)]
    community = _secret(options["community"], "Community: ")
    tried: dict[str | None, list[Credential]] = {
        "1": [V1Credential(community)],
        "2c": [V2cCredential(community)],
        None: [V2cCredential(community), V1Credential(community)],
    }
    return tried[options["snmp_version"]]


def _user(options: dict[str, Any]) -> V3Credential:
    try:
        return V3Credential(
            options["v3_user"],
            options["auth"],
            _secret(options["auth_key"], "Authentication pass phrase: "),
            options["priv"],
            _secret(options["priv_key"], "Privacy pass phrase: "),
        )
    except ValueError as error:
        raise CommandError(str(error)) from error


def _secret(given: str, prompt: str) -> str:
    return getpass.getpass(prompt) if given == "-" else given
