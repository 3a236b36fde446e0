"""`manage.py import_places`: schools, buildings and rooms from a table. May be repeated; never deletes."""

from fleet.sites.management.tables import TableCommand
from fleet.sites.models import Authority
from fleet.sites.rules.place_table import COLUMNS
from fleet.sites.rules.tally import Tally
from fleet.sites.services.place_table import take_in_places


class Command(TableCommand):
    help = (
        "Makes schools, buildings and rooms from a CSV table and changes those that differ from it; never deletes. "
        f"Columns: {', '.join(COLUMNS)}. One row per room, per building or per school; an empty cell leaves what is there."
    )

    def take_in(self, authority: Authority, data: bytes) -> tuple[Tally, list[str]]:
        return take_in_places(authority=authority, data=data), []
