"""`manage.py load_city`: the demo city's schools, devices and people, in the database."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from fleet.lab.city import demo_city
from fleet.lab.management.commands.lab import lab_options
from fleet.lab.server import ssh_devices
from fleet.lab.services import DEMO_PASSWORD, Surroundings, load_city
from fleet.lab.ssh.keys import ensure


class Command(BaseCommand):
    help = "Load the synthetic demo city; a second time changes nothing. Not in production: its passwords are public."

    def handle(self, *_args: Any, **options: Any) -> None:
        if settings.MODE == "production":
            raise CommandError("The demo city has public passwords; it is not loaded in production.")
        city, lab = demo_city(), lab_options()
        keys = ensure(lab.keys, ssh_devices(city))
        load_city(city=city, around=Surroundings(lab.ports, keys))
        if options["verbosity"]:
            self.stdout.write(f"{city.name} is loaded. Everybody's password is {DEMO_PASSWORD}")
