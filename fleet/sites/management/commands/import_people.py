"""`manage.py import_people`: accounts and their roles from a table. May be repeated; never takes anything away."""

from django.conf import settings
from django.urls import reverse

from fleet.people.rules import Role
from fleet.sites.management.tables import TableCommand
from fleet.sites.models import Authority
from fleet.sites.rules.people_table import COLUMNS
from fleet.sites.rules.tally import Tally
from fleet.sites.services.people_table import take_in_people


class Command(TableCommand):
    help = (
        "Makes accounts from a CSV table and gives them their roles; never takes any away. "
        f"Columns: {', '.join(COLUMNS)}. One row per role ({', '.join(Role)}); without a school it holds everywhere."
    )

    def take_in(self, authority: Authority, data: bytes) -> tuple[Tally, list[str]]:
        taken = take_in_people(authority=authority, data=data)
        page = f"{settings.BASE_URL.rstrip('/')}{reverse('account_reset_password')}"
        ask = f"Whoever has none asks for a mail at {page} and sets one."
        waiting = [f"Accounts without a password: {taken.without_password}. {ask}"] if taken.without_password else []
        return taken.tally, waiting
