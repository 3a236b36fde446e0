"""`manage.py inventory --list`: every device in service, as Ansible's dynamic inventory wants it. No secrets."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from fleet.automation.inventory import build, manageable
from fleet.devices.models import Device


class Command(BaseCommand):
    help = "Print the fleet as an Ansible inventory (JSON)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--list", action="store_true", help="the whole inventory (the only form there is)")
        parser.add_argument("--host", help="variables of one host; they are all in --list already")

    def handle(self, *_: Any, **options: Any) -> None:
        devices = Device.objects.in_service().select_related("type", "ssh_credential")
        answer = {} if options["host"] else build(manageable(devices))
        self.stdout.write(json.dumps(answer, indent=2))
